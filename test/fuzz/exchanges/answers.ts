// What may come in the place of an answer of a token endpoint.
import { applyMutations, createMutations } from '../bytes.ts'
import type { Random } from '../random.ts'
import { PACES, createHead } from '../raw/answer.ts'
import type { RawAnswer } from '../raw/answer.ts'
import type { RawCall, RawReply } from '../raw/server.ts'
import { withLength } from '../raw/server.ts'
import type { Form } from './routes.ts'

/** A member of the answer that is something else, or, without a value, missing. */
interface Change {
  readonly member: keyof typeof MEMBERS.oauth2
  readonly value?: unknown
}

export interface ExchangeAnswer extends RawAnswer {
  readonly changes: readonly Change[]
  /** Characters of the body in each chunk; 0: it is not chunked. */
  readonly chunk: number
}

/** More than the proxy makes before a short life is over. */
const CALLS_IN_A_LIFE = 40

const MEMBERS = {
  oauth2: { token: 'access_token', life: 'expires_in', type: 'token_type', uses: 'uses' },
  vault: { token: 'client_token', life: 'lease_duration', type: 'renewable', uses: 'num_uses' },
  'google access token': { token: 'accessToken', life: 'expireTime', type: 'type', uses: 'uses' },
  'google ID token': { token: 'token', life: 'exp', type: 'type', uses: 'uses' },
} as const satisfies Readonly<Record<Form, Readonly<Record<string, string>>>>

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
/** `%SOUND%` is what the endpoint answers when all is well. */
export const SOUND: ExchangeAnswer = { head: OK, body: '%SOUND%', changes: [], chunk: 0, mutations: [], pace: 'whole' }

const JSON_TOKEN = '{"access_token":"%TOKEN%","expires_in":600}'
const BODIES: readonly string[] = [
  ...['', 'null', '[]', '"text"', '{}', '0', '%TOKEN%', '{'.repeat(20_000), '['.repeat(100_000)],
  ...['access_token=%TOKEN%&expires_in=60', '<html><body><p>Proxy login', '%SOUND%%SOUND%', ' \r\n%SOUND%\t'],
  ...['\ufeff%SOUND%', '{"access_token":"x","access_token":"%TOKEN%"}', `[${JSON_TOKEN}]`],
  ...['{"__proto__":{"access_token":"%TOKEN%"}}', '{"auth":null}', '{"auth":["%TOKEN%"]}', '{"auth":{"auth":{}}}'],
  ...[`{"access_token":"${'x'.repeat(300_000)}"}`, `${JSON_TOKEN.slice(0, -1)},"x":"${'x'.repeat(250_000)}"}`],
  ...['{"access_token":"%TOKEN%","error":"invalid_grant"}', '{"error":"invalid_grant"}', '%SUBJECT%', '%BODY%'],
]
const TOKENS: readonly unknown[] = [
  ...['', ' ', ' %TOKEN%', '%TOKEN% ', '%TOKEN%\r\nX-Injected: yes', '%TOKEN%\nX-Injected: yes', '%TOKEN%\0', '\t'],
  ...['\u00e9%TOKEN%', '%TOKEN%\u{1f511}', '\ud800', '%TOKEN%\u007f', '%TOKEN% two words', 'Bearer %TOKEN%', '"\\'],
  ...['x'.repeat(16_384), 'x'.repeat(16_385), '%SUBJECT%', 'eyJhbGciOiJub25lIn0.e30.', 'a.b.c', ','],
  ...[0, 1, true, null, [], ['%TOKEN%'], {}, { token: '%TOKEN%' }, 1e300],
]
const LIVES: readonly unknown[] = [
  ...[0, -1, 1, 14.9, 15, 16, 17, 18, 20, 1e9, 1e300, 3599.5, '3599', '16', ' 60 ', '', 'soon', '1e3', '0x40', true],
  ...[
    null,
    [],
    [60],
    {},
    '2099-01-01T00:00:00Z',
    '1970-01-01T00:00:00Z',
    '+275760-09-13T00:00:00.001Z',
    '9'.repeat(400),
  ],
]
const USES: readonly unknown[] = [1, 0, -1, '1', null, 1e300, []]
const CODES: readonly unknown[] = [
  ...['invalid_grant', 'invalid_client', 'unauthorized_client', 'invalid_target', 'temporarily_unavailable'],
  ...[
    'server_error',
    'slow_down',
    '__proto__',
    'constructor',
    'toString',
    '',
    '\r\nX: y',
    7,
    null,
    [],
    {},
    '%SUBJECT%',
  ],
]
const MESSAGES: readonly unknown[] = [
  ...['no such client', '', '%SUBJECT%', 'got %SUBJECT% of %CLIENT_SECRET%', 'Bearer %SUBJECT%', '%BODY%', '%HEAD%'],
  ...[
    '%TOKEN%',
    'x'.repeat(100_000),
    '\u2028\0\u202e',
    '%CLIENT_SECRET%',
    '%BODY%%HEAD%'.repeat(20),
    7,
    null,
    ['%BODY%'],
  ],
]
/** What a JSON parser, or one of HTTP, stumbles over. */
const WORDS: readonly string[] = [
  ...['"', '\\', '\\u0000', '\\ud800', '{', '}', '[', ']', ':', ',', 'null', 'e9', '-', '\0', '\xff', '\xc3', '\r\n'],
  ...['\r\n\r\n', 'Transfer-Encoding: chunked\r\n', 'Content-Length: 7\r\n', '\r\n0\r\n\r\n', 'HTTP/1.1 200 OK\r\n'],
  ...['"access_token":"x",', '"expires_in":16,', '"error":"invalid_grant",', '[['.repeat(500), 'x'.repeat(50_000)],
]

/** @returns the answers to the first calls for one token; what comes after them is sound. */
export function createExchangeAnswers(random: Random): readonly ExchangeAnswer[] {
  if (random.chance(0.15)) return createLapse(random)
  return Array.from({ length: random.pick([1, 1, 1, 2, 3, 20]) }, () => createAnswer(random))
}

/** A token whose life is short, and then no other until it is over. */
function createLapse(random: Random): readonly ExchangeAnswer[] {
  const brief: ExchangeAnswer = { ...SOUND, changes: [{ member: 'life', value: random.pick([16, 18, 20, 25, '20']) }] }
  const head = `HTTP/1.1 ${random.pick([400, 429, 500, 503])} No\r\nContent-Type: application/json\r\n`
  const body = JSON.stringify({ error: random.pick(['invalid_grant', 'server_error', 'invalid_client']) })
  const failing = random.pick<ExchangeAnswer>([
    { ...SOUND, head, body },
    { ...SOUND, pace: 'reset at once' },
  ])
  return [brief, ...Array.from({ length: CALLS_IN_A_LIFE }, () => failing)]
}

function createAnswer(random: Random): ExchangeAnswer {
  const sound = random.chance(0.2) ? { ...SOUND, chunk: random.pick([1, 7, 100, 5_000]) } : SOUND
  switch (random.below(7)) {
    case 0:
      return { ...sound, body: random.pick(BODIES) }
    case 1:
      return { ...sound, changes: [{ member: 'token', value: random.pick(TOKENS) }] }
    case 2:
      return { ...sound, changes: createChanges(random) }
    case 3:
      return { ...sound, pace: random.pick(PACES) }
    case 4:
      return createOddHead(random, sound)
    case 5:
      return { ...sound, head: createErrorHead(random), body: createError(random) }
    default:
      return { ...sound, mutations: createMutations(random, 3, WORDS) }
  }
}

function createChanges(random: Random): readonly Change[] {
  return Array.from({ length: 1 + random.below(2) }, (): Change => {
    const member = random.pick(['token', 'life', 'life', 'type', 'uses'] as const)
    if (member === 'token' || random.chance(0.1)) return { member }
    return { member, value: random.pick(member === 'uses' ? USES : LIVES) }
  })
}

function createOddHead(random: Random, sound: ExchangeAnswer): ExchangeAnswer {
  const body = random.chance(0.5) ? sound.body : random.pick(BODIES)
  if (random.chance(0.5)) return { ...sound, head: createHead(random), body }
  const ok = random.chance(0.5) ? OK : OK.replace('200 OK', '503 No')
  const [framing, start] = random.pick([
    ['Content-Length: 99999999', body],
    ['Transfer-Encoding: chunked', `5f5e100\r\n${body}`],
  ] as const)
  return { ...sound, head: `${ok}${framing}\r\n`, body: start, chunk: 0, pace: 'flood' }
}

function createErrorHead(random: Random): string {
  const status = random.pick([400, 400, 400, 401, 403, 404, 408, 418, 429, 500, 502, 503, 599])
  const field = random.pick(['', '', '', 'Retry-After: 2\r\n', 'Retry-After: never\r\n', 'Set-Cookie: a=b\r\n'])
  return `HTTP/1.1 ${status} No\r\nContent-Type: application/json\r\n${field}`
}

/** In the shapes of RFC 6749, Google, Anthropic and Vault. */
function createError(random: Random): string {
  const code = random.pick(CODES)
  const message = random.pick(MESSAGES)
  const body = JSON.stringify(
    random.pick([
      { error: code, error_description: message },
      { error: { status: code, type: code, code, message } },
      { errors: [message, code] },
      { error: code, message, detail: message },
    ]),
  )
  return random.chance(0.7) ? body : applyMutations(body, createMutations(random, 2, WORDS))
}

/** What is known when a call comes. */
export interface Moment {
  readonly call: RawCall
  readonly form: Form
  /** A new token. */
  readonly token: string
  /** The source token, and the secret of a client that was sent; else empty. */
  readonly subject: string
  readonly secret: string
}

/** @returns the bytes of an answer, and the text of the body that they were made from. */
export function replyOf(answer: ExchangeAnswer, moment: Moment): RawReply & { readonly text: string } {
  const { call, token, subject, secret } = moment
  const names: Readonly<Record<string, string>> = {
    TOKEN: token,
    SUBJECT: subject,
    CLIENT_SECRET: secret,
    HEAD: call.head,
    BODY: call.body,
  }
  const inJson = (text: string): string => JSON.stringify(text).slice(1, -1)
  const text = answer.body
    .replaceAll('%SOUND%', soundText(answer.changes, moment))
    .replace(/%([A-Z_]+)%/g, (whole, name: string) => inJson(names[name] ?? whole))
  const utf8 = Buffer.from(text).toString('latin1')
  const whole =
    answer.chunk === 0
      ? withLength(answer.head, utf8)
      : withLength(`${answer.head}Transfer-Encoding: chunked\r\n`, inChunks(utf8, answer.chunk))
  return { bytes: applyMutations(whole, answer.mutations), pace: answer.pace, text }
}

function soundText(changes: readonly Change[], { form }: Moment): string {
  const names = MEMBERS[form]
  const members: Record<string, unknown> = {
    oauth2: { [names.token]: '%TOKEN%', [names.life]: 600, [names.type]: 'Bearer' },
    vault: { [names.token]: '%TOKEN%', [names.life]: 600, [names.uses]: 0 },
    'google access token': { [names.token]: '%TOKEN%', [names.life]: new Date(Date.now() + 600_000).toISOString() },
    'google ID token': { [names.token]: idToken() },
  }[form]
  for (const { member, value } of changes) members[names[member]] = value
  return JSON.stringify(form === 'vault' ? { lease_duration: 0, auth: members } : members)
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** The token is its signature: nobody on the way looks at that. */
function idToken(): string {
  const iat = Math.floor(Date.now() / 1000)
  const claims = { iss: 'https://accounts.google.com', sub: '1', aud: 'https://run.example', iat, exp: iat + 600 }
  return `${part({ alg: 'RS256' })}.${part(claims)}.%TOKEN%`
}

function inChunks(text: string, size: number): string {
  const chunks = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
  return `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`
}
