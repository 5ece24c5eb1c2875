import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import type { HttpRequest } from '@smithy/types'
import type { Incoming } from '../http/incoming.ts'
import { StsError } from './errors.ts'
import type { Session, Sessions } from './sessions.ts'

export interface SignatureDeps {
  readonly sessions: Sessions
  readonly region: string
  readonly now: () => number
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)\/(\d{8})\/([\w-]+)\/(\w+)\/aws4_request, SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})$/

/** How far a request's date may be off. */
const SKEW_MS = 5 * 60 * 1000

/**
 * Verifies Signature Version 4 by signing the request again, with AWS's own library, over the headers it says it signed.
 * @returns the session that signed.
 * @throws StsError as AWS answers a request it cannot authenticate.
 */
export async function authenticate(request: Incoming, deps: SignatureDeps): Promise<Session> {
  const match = AUTHORIZATION.exec(request.headers.authorization ?? '')
  if (!match) throw new StsError('MissingAuthenticationToken', 'Request is missing Authentication Token')
  const [, accessKeyId = '', , region, service, signedHeaders = ''] = match
  const session = deps.sessions.find(accessKeyId)
  if (!session || request.headers['x-amz-security-token'] !== session.sessionToken)
    throw new StsError('InvalidClientTokenId', 'The security token included in the request is invalid')
  if (session.expiresAt <= deps.now())
    throw new StsError('ExpiredToken', 'The security token included in the request is expired')
  if (service !== 'sts' || region !== deps.region)
    throw new StsError(
      'SignatureDoesNotMatch',
      `Credential should be scoped to a valid region. Expected ${deps.region}/sts.`,
    )
  const date = signingDate(request, deps.now())
  const expected = await signature(request, session, { region: deps.region, date, names: signedHeaders.split(';') })
  if (!sameText(expected, request.headers.authorization ?? ''))
    throw new StsError(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided.',
    )
  return session
}

function signingDate({ headers }: Incoming, now: number): Date {
  const text = String(headers['x-amz-date'])
  const date = new Date(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (Number.isNaN(date.getTime()) || Math.abs(date.getTime() - now) > SKEW_MS)
    throw new StsError(
      'SignatureDoesNotMatch',
      `Signature expired: ${text} is not within 5 minutes of the server's time.`,
    )
  return date
}

interface SigningScope {
  readonly region: string
  readonly date: Date
  readonly names: readonly string[]
}

async function signature(request: Incoming, session: Session, { region, date, names }: SigningScope): Promise<string> {
  const digest = createHash('sha256').update(request.body).digest('hex')
  // The library takes the digest from this header when there is one; a forged header must not stand in for the body.
  if (request.headers['x-amz-content-sha256'] !== undefined && request.headers['x-amz-content-sha256'] !== digest)
    throw new StsError(
      'SignatureDoesNotMatch',
      'The provided x-amz-content-sha256 header does not match what was computed.',
    )
  const signer = new SignatureV4({
    service: 'sts',
    region,
    applyChecksum: false,
    credentials: {
      accessKeyId: session.accessKeyId,
      secretAccessKey: session.secretAccessKey,
      sessionToken: session.sessionToken,
    },
    sha256: NodeSha256,
  })
  const headers = Object.fromEntries(names.map((name) => [name, String(request.headers[name])]))
  const { method, path, body } = request
  const unsigned: HttpRequest = { method, protocol: 'http:', hostname: 'unused', path, headers, body, query: {} }
  const signed = await signer.sign(unsigned, { signingDate: date })
  return String(signed.headers['authorization'])
}

/** The hash of `node:crypto` in the shape the library asks for. */
class NodeSha256 {
  readonly #hash

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Buffer | string)
  }

  update(data: Uint8Array | string): void {
    this.#hash.update(data)
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest())
  }

  reset(): void {
    throw new TypeError('not used')
  }
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
