import type { IncomingHttpHeaders } from 'node:http'
import type { JWTPayload, JWTVerifyGetKey } from 'jose'
import { decodeProtectedHeader, errors, jwtVerify } from 'jose'

/** Whose tokens a partner has been told to take. */
export interface Trust {
  readonly issuer: string
  readonly keys: JWTVerifyGetKey
  readonly subject: string
  /** Told of each token without flaw. */
  readonly onVerified?: (payload: JWTPayload) => void
}

/** A request for a token. */
export interface TokenRequest {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** By Content-Type. */
  readonly body: 'form' | 'json' | 'none'
  /** Form fields, or members of a JSON object; none where a form has one of them twice (RFC 6749 §3.2). */
  readonly fields: Readonly<Record<string, unknown>>
}

export interface Answer {
  readonly status: number
  readonly json: unknown
}

/** An emulated token endpoint, or an API that takes what it issues: verifies as strictly as its vendor says, and answers in its shapes. Sources: docs/presets.md. */
export type Vendor = (request: TokenRequest, trust: Trust) => Promise<Answer>

/** What is wrong with a token. */
export type Flaw = 'algorithm' | 'signature' | 'issuer' | 'subject' | 'audience' | 'expired' | 'life' | 'replayed'

export interface Demands {
  readonly audience: string
  readonly algorithms?: readonly string[]
  /** Seconds between now and `exp`. */
  readonly farthestSeconds?: number
  /** Seconds between `iat` and `exp`. */
  readonly longestSeconds?: number
  /** Seconds. */
  readonly leeway?: number
  /** JWT IDs that were used; given: each token counts once. */
  readonly used?: Set<string>
}

export class Flawed extends Error {
  readonly flaw: Flaw
  constructor(flaw: Flaw) {
    super(flaw)
    this.flaw = flaw
  }
}

/** @throws Flawed */
export async function verify(token: unknown, trust: Trust, demands: Demands): Promise<JWTPayload> {
  const payload = await withoutFlaw(token, trust, demands)
  trust.onVerified?.(payload)
  return payload
}

async function withoutFlaw(token: unknown, trust: Trust, demands: Demands): Promise<JWTPayload> {
  const { audience, algorithms = ['RS256', 'ES384'], leeway = 0, used } = demands
  const payload = await verified(String(token), trust, { audience, algorithms, leeway })
  if (payload.sub !== trust.subject) throw new Flawed('subject')
  if (isTooLong(payload, demands)) throw new Flawed('life')
  if (used?.has(payload.jti ?? '')) throw new Flawed('replayed')
  used?.add(payload.jti ?? '')
  return payload
}

function isTooLong({ exp = 0, iat = 0 }: JWTPayload, demands: Demands): boolean {
  const { farthestSeconds = Infinity, longestSeconds = Infinity } = demands
  return exp - Date.now() / 1000 > farthestSeconds || exp - iat > longestSeconds
}

interface Checked {
  readonly audience: string
  readonly algorithms: readonly string[]
  readonly leeway: number
}

async function verified(token: string, trust: Trust, { audience, algorithms, leeway }: Checked): Promise<JWTPayload> {
  try {
    if (!algorithms.includes(decodeProtectedHeader(token).alg ?? '')) throw new Flawed('algorithm')
    const { payload } = await jwtVerify(token, trust.keys, {
      issuer: trust.issuer,
      audience,
      clockTolerance: leeway,
      requiredClaims: ['iat', 'exp', 'sub'],
    })
    return payload
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new Flawed('expired')
    if (error instanceof errors.JWTClaimValidationFailed)
      throw new Flawed(error.claim === 'aud' ? 'audience' : 'issuer')
    throw error instanceof Flawed ? error : new Flawed('signature')
  }
}

/** @returns the answer to a token without flaw, or that to its flaw. */
export async function answering(work: () => Promise<Answer>, refuse: (flaw: Flaw) => Answer): Promise<Answer> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Flawed) return refuse(error.flaw)
    throw error
  }
}

/** RFC 6749 §5.2. */
export const refusal = (error: string, description?: string, status = 400): Answer => ({
  status,
  json: { error, ...(description !== undefined && { error_description: description }) },
})

const issued = new Set<string>()
/** @returns a value that no other token has. */
export function opaque(prefix: string): string {
  const token = `${prefix}${issued.size + 1}`
  issued.add(token)
  return token
}

/** An API's answer to a header field: whether it carries what was issued with this prefix. */
export function answerTo(field: unknown, prefix: string): Answer {
  const token = String(field)
  return token.startsWith(prefix) && issued.has(token.replace('Bearer ', ''))
    ? { status: 200, json: { verified: true } }
    : { status: 401, json: { verified: false } }
}

/** @returns the names of fields that are missing, and of those that nobody knows. */
export function wrongFields(
  fields: TokenRequest['fields'],
  required: readonly string[],
  optional: readonly string[] = [],
): readonly string[] {
  const missing = required.filter((name) => fields[name] === undefined || fields[name] === '')
  return [...missing, ...Object.keys(fields).filter((name) => !required.includes(name) && !optional.includes(name))]
}

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
export const CLIENT_ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
export const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt'
