// What happens to the files of a pod: projected tokens that change, and a directory in which somebody is at work.
import { applyMutations, createMutations } from '../bytes.ts'
import type { Mutation } from '../bytes.ts'
import type { Random } from '../random.ts'

/** What the kubelet, or something that is none, writes as the projected token of a file. */
export interface Projected {
  readonly file: number
  /** Claims instead of the right ones; times are seconds from now. */
  readonly claims: Readonly<Record<string, unknown>>
  /** `%TOKEN%` stands for the token. */
  readonly around: string
  readonly mutations: readonly Mutation[]
}

export type Step =
  | { readonly step: 'project'; readonly token: Projected }
  | { readonly step: 'wait'; readonly milliseconds: number }
  /** Somebody removes a file: the source, the token, or what is written next to it. */
  | { readonly step: 'remove'; readonly file: number; readonly what: 'source' | 'token' | 'credentials' }
  /** Somebody puts a directory where a file belongs, or where one is made; and takes it away. */
  | { readonly step: 'obstruct'; readonly file: number; readonly what: 'source' | 'token' | 'temporary' }
  | { readonly step: 'clear' }

export const FILES = 4

const CLAIMS: readonly Readonly<Record<string, unknown>>[] = [
  ...[{ aud: 'https://evil.example' }, { aud: [] }, { aud: null }, { aud: ['%AUD%', 'urn:b'] }, { aud: ['%AUD%'] }],
  ...[{ aud: { 0: '%AUD%' } }, { exp: -10 }, { exp: 10 }, { exp: 16 }, { exp: 40 }, { exp: 1e12 }, { exp: 'soon' }],
  ...[{ exp: null }, { iat: 1e9 }, { iat: '' }, { iss: '' }, { sub: 7 }, { x: 'x'.repeat(20_000) }, { jti: '"\u2028' }],
]
const AROUND = [
  '%TOKEN%\n',
  ' %TOKEN%',
  '\ufeff%TOKEN%',
  '%TOKEN%\r\n',
  '%TOKEN%\0',
  '%TOKEN% %TOKEN%',
  '%TOKEN%.',
  '"%TOKEN%"',
].concat(['', '\n', ' ', '\0', 'x'.repeat(1_000_000), '{}', 'a.b.c', 'eyJ', '%TOKEN%\nX: y', 'Bearer %TOKEN%'])
const WORDS = ['.', '..', '\n', '\r\n', '\0', ' ', '=', '+', '/', 'eyJ', '\xff', '\u2028', 'x'.repeat(70_000)]

export function createScript(random: Random): readonly Step[] {
  return Array.from({ length: 4 + random.below(20) }, () => createStep(random))
}

function createStep(random: Random): Step {
  const file = random.below(FILES)
  switch (random.below(8)) {
    case 0:
      return { step: 'remove', file, what: random.pick(['source', 'token', 'token', 'credentials']) }
    case 1:
      return { step: 'obstruct', file, what: random.pick(['source', 'token', 'temporary']) }
    case 2:
      return { step: 'clear' }
    case 3:
    case 4:
      return { step: 'wait', milliseconds: random.pick([0, 1, 5_000, 10_000, 11_000, 40_000, 320_000, 700_000]) }
    default:
      return { step: 'project', token: createProjected(file, random) }
  }
}

function createProjected(file: number, random: Random): Projected {
  const sound = soundToken(file, 30 + random.below(600))
  switch (random.below(5)) {
    case 0:
      return { ...sound, claims: { ...sound.claims, ...random.pick(CLAIMS) } }
    case 1:
      return { ...sound, around: random.pick(AROUND) }
    case 2:
      return { ...sound, mutations: createMutations(random, 2, WORDS) }
    default:
      return sound
  }
}

/** What the kubelet writes when all is well. */
export const soundToken = (file: number, seconds: number): Projected => ({
  file,
  claims: { exp: seconds },
  around: '%TOKEN%',
  mutations: [],
})

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** @param number of the token: no two are the same. @returns the bytes that are written. */
export function bytesOf(
  { claims, around, mutations }: Projected,
  audience: string,
  number: number,
  nowMs: number,
): Buffer {
  const now = Math.floor(nowMs / 1000)
  const odd = JSON.parse(JSON.stringify(claims).replaceAll('%AUD%', audience)) as Record<string, unknown>
  const exp = typeof odd['exp'] === 'number' ? now + odd['exp'] : odd['exp']
  const payload = {
    iss: 'https://cluster.example',
    sub: 'orders',
    aud: audience,
    iat: now,
    jti: `${number}`,
    ...odd,
    exp,
  }
  const token = `${part({ alg: 'RS256' })}.${part(payload)}.${'s'.repeat(300)}`
  return Buffer.from(applyMutations(around.replaceAll('%TOKEN%', token), mutations))
}
