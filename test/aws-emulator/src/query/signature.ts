import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import type { HttpRequest } from '@smithy/types'
import type { Account } from '../account/account.ts'
import type { Incoming } from '../http/incoming.ts'
import type { Role } from '../iam/role.ts'
import type { Session } from '../sts/sessions.ts'
import { parseAuthorization, signedHeaders, signingDate } from './authorization.ts'
import { ServiceError } from './errors.ts'

/** Who signed a request. */
export interface Caller {
  readonly session: Session
  readonly role: Role
}

/** IAM and the global endpoint of STS are at home in one region. */
const GLOBAL_SIGNING_REGION = 'us-east-1'

/**
 * Verifies Signature Version 4 by signing the request again, with AWS's own library, over the headers it says it signed.
 * @throws ServiceError as AWS answers a request it cannot authenticate.
 */
export async function authenticate(request: Incoming, service: 'sts' | 'iam', account: Account): Promise<Caller> {
  const authorization = parseAuthorization(request)
  const headers = signedHeaders(request, authorization.names)
  const { session, role } = findCaller(request, authorization.accessKeyId, account)
  const now = account.state.now()
  if (session.expiresAt <= now) throw new ServiceError('ExpiredToken')
  const { region } = authorization
  const regions = signingRegions(service, account.region)
  if (authorization.service !== service || !regions.includes(region))
    throw new ServiceError(
      'SignatureDoesNotMatch',
      `Credential should be scoped to a valid region, ${regions.join(' or ')}, and to ${service}.`,
    )
  checkPayloadHash(request)
  const date = signingDate(request, authorization, now)
  const expected = await sign(request, { session, service, region, date, headers })
  if (!sameText(expected, authorization.signature)) throw new ServiceError('SignatureDoesNotMatch')
  return { session, role }
}

/** Botocore signs for its own region when it is given an endpoint, even for IAM. */
function signingRegions(service: 'sts' | 'iam', region: string): readonly string[] {
  if (region === 'aws-global') return [GLOBAL_SIGNING_REGION]
  return service === 'iam' ? [GLOBAL_SIGNING_REGION, region] : [region]
}

function findCaller({ headers }: Incoming, accessKeyId: string, { sessions, roles }: Account): Caller {
  const session = sessions.find(accessKeyId)
  const role = session && roles.find(session.roleArn)
  if (!role || headers['x-amz-security-token'] !== session.sessionToken) throw new ServiceError('InvalidClientTokenId')
  return { session, role }
}

/** STS takes no unsigned payload, and the library would believe a digest it is given. */
function checkPayloadHash({ headers, bytes }: Incoming): void {
  const given = headers['x-amz-content-sha256']
  if (given !== undefined && given !== createHash('sha256').update(bytes).digest('hex'))
    throw new ServiceError(
      'SignatureDoesNotMatch',
      'The provided x-amz-content-sha256 header does not match what was computed.',
    )
}

interface Signing {
  readonly session: Session
  readonly service: string
  readonly region: string
  readonly date: Date
  readonly headers: Readonly<Record<string, string>>
}

/** @returns the signature that the request should have. */
async function sign(
  { method, path, query, bytes }: Incoming,
  { session, service, region, date, headers }: Signing,
): Promise<string> {
  const signer = new SignatureV4({
    service,
    region,
    applyChecksum: false,
    credentials: {
      accessKeyId: session.accessKeyId,
      secretAccessKey: session.secretAccessKey,
      sessionToken: session.sessionToken,
    },
    sha256: NodeSha256,
  })
  const unsigned: HttpRequest = {
    method,
    protocol: 'http:',
    hostname: 'unused',
    path,
    headers: { ...headers },
    body: bytes,
    query: parseQuery(query),
  }
  // Some clients sign headers that the library leaves out by default, such as user-agent.
  const signableHeaders = new Set(Object.keys(headers))
  const signed = await signer.sign(unsigned, { signingDate: date, signableHeaders })
  return /Signature=([0-9a-f]{64})$/.exec(String(signed.headers['authorization']))?.[1] ?? ''
}

function parseQuery(query: string): Record<string, string[]> {
  const values = Object.create(null) as Record<string, string[]>
  for (const part of query.split('&').filter((text) => text !== '')) {
    const [name = '', value = ''] = part.split('=', 2).map(decode)
    values[name] = [...(values[name] ?? []), value]
  }
  return values
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new ServiceError('SignatureDoesNotMatch', 'The query string cannot be decoded.')
  }
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
