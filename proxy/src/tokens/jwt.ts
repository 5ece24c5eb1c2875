/** What the proxy reads of a token it was given. It does not verify signatures: the partner does. */
export interface TokenClaims {
  readonly algorithm: string
  readonly issuer: string
  readonly subject: string
  readonly audience: readonly string[]
  /** Seconds of the Unix epoch. */
  readonly issuedAt: number
  readonly expiresAt: number
  readonly jti: string
  /** Every claim as the issuer wrote it, for doctor. */
  readonly all: Readonly<Record<string, unknown>>
}

/**
 * Reads a compact JWS (RFC 7515 §3.1) whose payload is a JWT claims set.
 * @throws TypeError saying what is wrong with its form. SECURITY: never quoting any of it.
 */
export function readClaims(jwt: string): TokenClaims {
  const parts = jwt.split('.')
  if (parts.length !== 3 || parts.some((part) => !/^[\w-]+$/.test(part)))
    throw new TypeError(`a token has three base64url parts; this one has ${parts.length} parts or other characters`)
  const [first, second] = parts as [string, string, string]
  const header = parseObject(first, 'header')
  const all = parseObject(second, 'payload')
  const audience = Array.isArray(all['aud']) ? all['aud'] : [all['aud']]
  return {
    algorithm: textOf(header, 'alg'),
    issuer: textOf(all, 'iss'),
    subject: textOf(all, 'sub'),
    audience: audience.filter((item) => typeof item === 'string'),
    issuedAt: secondsOf(all, 'iat'),
    expiresAt: secondsOf(all, 'exp'),
    jti: typeof all['jti'] === 'string' ? all['jti'] : '',
    all,
  }
}

/** The claim under which STS keeps everything of its own. */
const STS_CLAIM = 'https://sts.amazonaws.com/'
/** A claim smaller than this is not why a token is large. */
const NOTABLE_CHARACTERS = 200

/** @returns what makes a token large, largest first, without its values: `principal_tags 5120, ou_path 300 characters`. */
export function describeSizes({ all }: TokenClaims): string {
  const own: unknown = all[STS_CLAIM]
  const claims = { ...all, [STS_CLAIM]: null, ...(typeof own === 'object' && own) }
  const sizes = Object.entries(claims)
    .map(([name, value]) => ({ name, size: JSON.stringify(value).length }))
    .filter(({ size }) => size >= NOTABLE_CHARACTERS)
    .sort((a, b) => b.size - a.size)
  return sizes.length === 0
    ? 'no claim is large'
    : `${sizes.map(({ name, size }) => `${name} ${size}`).join(', ')} characters`
}

function parseObject(part: string, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // The parser's message would quote the token.
  }
  throw new TypeError(`the ${what} of the token is not a JSON object`)
}

function textOf(record: Readonly<Record<string, unknown>>, name: string): string {
  const value = record[name]
  if (typeof value === 'string' && value !== '') return value
  throw new TypeError(`the token has no ${name}`)
}

function secondsOf(record: Readonly<Record<string, unknown>>, name: string): number {
  const value = record[name]
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new TypeError(`the ${name} of the token is not a number`)
}
