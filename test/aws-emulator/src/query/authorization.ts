import type { Incoming } from '../http/incoming.ts'
import { ServiceError } from './errors.ts'

/** The parts of an Authorization header of Signature Version 4. */
export interface Authorization {
  readonly accessKeyId: string
  /** `YYYYMMDD` of the credential scope. */
  readonly day: string
  readonly region: string
  readonly service: string
  /** Names of the signed headers, as given. */
  readonly names: readonly string[]
  readonly signature: string
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=(\w+)\/(\d{8})\/([\w-]+)\/(\w+)\/aws4_request, ?SignedHeaders=([\w;-]+), ?Signature=([0-9a-f]{64})$/

/** How far a request's date may be off. */
const SKEW_MS = 5 * 60 * 1000

/** @throws ServiceError when the request is not signed, or not in this form. */
export function parseAuthorization({ headers }: Incoming): Authorization {
  const text = headers.authorization
  if (text === undefined) throw new ServiceError('MissingAuthenticationToken')
  const [whole, accessKeyId = '', day = '', region = '', service = '', names = '', signature = ''] =
    AUTHORIZATION.exec(text) ?? []
  if (whole === undefined)
    throw new ServiceError('IncompleteSignature', 'Authorization header is not in the form of Signature Version 4.')
  return { accessKeyId, day, region, service, names: names.split(';'), signature }
}

/**
 * The headers that the signature covers. Host and every `x-amz-` header must be among them, else they could be changed on the way.
 * A header that is sent twice counts with both values, whatever an HTTP library makes of it.
 */
export function signedHeaders({ rawHeaders }: Incoming, names: readonly string[]): Readonly<Record<string, string>> {
  const values = new Map<string, string[]>()
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    values.set(name, [...(values.get(name) ?? []), (rawHeaders[index + 1] ?? '').trim()])
  }
  for (const name of ['host', 'x-amz-date', ...[...values.keys()].filter((key) => key.startsWith('x-amz-'))])
    if (!names.includes(name))
      throw new ServiceError('SignatureDoesNotMatch', `'${name}' must be a 'SignedHeader' in the AWS Authorization.`)
  return Object.fromEntries(names.map((name) => [name, (values.get(name) ?? []).join(',')]))
}

/** @returns the moment of signing. @throws ServiceError when it is missing, not of the scope's day, or too far away. */
export function signingDate({ headers }: Incoming, { day }: Authorization, now: number): Date {
  const text = String(headers['x-amz-date'] ?? '')
  const iso = text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')
  const date = new Date(iso)
  if (iso === text || Number.isNaN(date.getTime()))
    throw new ServiceError('IncompleteSignature', "Date must be in ISO-8601 'basic format'.")
  if (!text.startsWith(day))
    throw new ServiceError('SignatureDoesNotMatch', `Date in Credential scope does not match ${text.slice(0, 8)}.`)
  const late = now - date.getTime()
  if (late > SKEW_MS)
    throw new ServiceError('SignatureDoesNotMatch', `Signature expired: ${text} is now earlier than five minutes ago.`)
  if (late < -SKEW_MS)
    throw new ServiceError(
      'SignatureDoesNotMatch',
      `Signature not yet current: ${text} is still later than in five minutes.`,
    )
  return date
}
