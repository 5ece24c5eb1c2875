import { request as httpRequest } from 'node:http'
import { Hash } from '@smithy/hash-node'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Emulator } from '../../src/index.ts'
import { REGION } from './client.ts'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface SentRequest {
  readonly method: string
  readonly path: string
  /** Names and values in turn. */
  readonly headers: readonly string[]
  readonly body: string | Buffer
}

export interface Signing {
  readonly body?: string | Buffer
  readonly query?: Record<string, string>
  readonly headers?: Record<string, string>
  readonly credentials: Credentials
  readonly region?: string
  readonly service?: string
  readonly signingDate?: Date
  readonly unsignable?: readonly string[]
  /** Whether to send `x-amz-content-sha256`; default true. */
  readonly digest?: boolean
}

/** A request that needs no more than a valid signature. */
export const BODY = 'Action=GetCallerIdentity&Version=2011-06-15'

/** Signs with AWS's library, on the side of the client. */
export async function signRequest(emulator: Emulator, options: Signing): Promise<SentRequest> {
  const { body = BODY, query = {}, headers = {}, region = REGION, service = 'sts', unsignable = [] } = options
  const { digest = headers['x-amz-content-sha256'] === undefined } = options
  const signer = new SignatureV4({
    service,
    region,
    credentials: options.credentials,
    sha256: Hash.bind(null, 'sha256'),
    applyChecksum: digest,
  })
  const { host } = new URL(emulator.url)
  const signed = await signer.sign(
    {
      method: 'POST',
      protocol: 'http:',
      hostname: host,
      path: '/',
      query,
      body,
      headers: { host, 'content-type': 'application/x-www-form-urlencoded', ...headers },
    },
    { signingDate: options.signingDate ?? new Date(), unsignableHeaders: new Set(unsignable) },
  )
  const search = Object.entries(query)
    .map((pair) => pair.map(encodeURIComponent).join('='))
    .join('&')
  return {
    method: 'POST',
    path: search === '' ? '/' : `/?${search}`,
    headers: Object.entries(signed.headers).flat(),
    body,
  }
}

/** Sends exactly these bytes. @returns status and wire code, or `200 ok`. */
export function sendRequest(emulator: Emulator, { method, path, headers, body }: SentRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(emulator.url)
    const raw = [...headers, 'content-length', String(Buffer.byteLength(body))]
    const request = httpRequest({ hostname, port, method, path, headers: raw }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? (text.includes('Result>') ? 'ok' : text)
        resolve(`${response.statusCode ?? 0} ${code}`)
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

export const withHeader = (sent: SentRequest, name: string, change: (value: string) => string): SentRequest => ({
  ...sent,
  headers: sent.headers.map((value, index) =>
    index % 2 === 1 && sent.headers[index - 1] === name ? change(value) : value,
  ),
})
/** @throws when there is nothing to replace. */
export const withAuthorization = (sent: SentRequest, pattern: RegExp, replacement: string): SentRequest =>
  withHeader(sent, 'authorization', (value) => {
    if (!pattern.test(value)) throw new Error(`no ${String(pattern)} in ${value}`)
    return value.replace(pattern, replacement)
  })
export const without = (sent: SentRequest, name: string): SentRequest => ({
  ...sent,
  headers: sent.headers.filter((_, index) => sent.headers[index - (index % 2)] !== name),
})
