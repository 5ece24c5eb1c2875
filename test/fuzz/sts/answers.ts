// What may come in the place of an answer to GetWebIdentityToken.
import type { Random } from '../random.ts'
import type { RawAnswer } from '../raw/answer.ts'
import { NAMESPACE, OK, createOddAnswer } from './raw.ts'

export interface StsAnswer extends RawAnswer {
  /** Claims beside or instead of those STS would make; times are seconds from now. */
  readonly claims: Readonly<Record<string, unknown>>
  readonly signature: Signature
}

export type Signature = (typeof SIGNATURES)[number]

const SIGNATURES = ['issuer', 'stranger', 'none', 'empty', 'alg none'] as const

const BODY =
  `<GetWebIdentityTokenResponse xmlns="${NAMESPACE}"><GetWebIdentityTokenResult><WebIdentityToken>%TOKEN%</WebIdentityToken>` +
  '<Expiration>%EXPIRATION%</Expiration></GetWebIdentityTokenResult></GetWebIdentityTokenResponse>'

/** What STS answers when all is well. */
export const SOUND: StsAnswer = { head: OK, body: BODY, claims: {}, signature: 'issuer', mutations: [], pace: 'whole' }

/** Whether it is what STS answers when all is well. */
export function isSound(answer: StsAnswer | undefined): boolean {
  return answer === undefined || JSON.stringify(answer) === JSON.stringify(SOUND)
}

/** Whether what arrives may be another token than the issuer signed for this call. */
export function mayForge({ signature, mutations }: StsAnswer): boolean {
  return signature !== 'issuer' || mutations.length > 0
}

const ENTITIES = `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">${Array.from({ length: 20 }, (_, index) => `<!ENTITY a${index} "${`&a${index === 0 ? '' : index - 1};`.repeat(10)}">`).join('')}]>`
const BODIES: readonly string[] = [
  '',
  '{}',
  'null',
  '{"GetWebIdentityTokenResponse":{"GetWebIdentityTokenResult":{"WebIdentityToken":"%TOKEN%","Expiration":1}}}',
  '{"WebIdentityToken":"%TOKEN%"}',
  '%TOKEN%',
  '<html><body><p>Proxy login</body></html>',
  BODY.replace('%EXPIRATION%', 'never'),
  BODY.replace('%EXPIRATION%', '1970-01-01T00:00:00Z'),
  BODY.replace('%EXPIRATION%', '+275760-09-13T00:00:00.001Z'),
  BODY.replace('<Expiration>%EXPIRATION%</Expiration>', ''),
  BODY.replace('%TOKEN%', '%TOKEN%\n'),
  BODY.replace('%TOKEN%', '%TOKEN%</WebIdentityToken><WebIdentityToken>%TOKEN%'),
  BODY.replace('%TOKEN%', '%TOKEN% X-Injected: yes'),
  BODY.replace('%TOKEN%', '%TOKEN%&#13;&#10;X-Injected: yes'),
  BODY.replace('%TOKEN%', ''),
  BODY.replaceAll('GetWebIdentityToken', 'AssumeRole'),
  BODY.replace('xmlns="', 'xmlns="urn:other:'),
  BODY.replaceAll('<', '<x:').replaceAll('<x:/', '</x:'),
  ENTITIES + BODY.replace('%TOKEN%', '&a19;'),
  BODY + BODY,
  BODY.replace('%TOKEN%', 'x'.repeat(300_000)),
  `${BODY}${'<a>'.repeat(20_000)}`,
]
const CLAIMS: readonly Readonly<Record<string, unknown>>[] = [
  { aud: 'https://evil.example' },
  { aud: [] },
  { aud: null },
  { aud: ['%AUD%', 'https://evil.example'] },
  { aud: ['%AUD%', '%AUD%'] },
  { aud: { 0: '%AUD%' } },
  { sub: 'arn:aws:iam::123456789012:role/other' },
  { sub: '' },
  { sub: ['arn'] },
  { exp: -10 },
  { exp: -10_000 },
  { exp: 5 },
  { exp: 1e12 },
  { exp: 'soon' },
  { exp: null },
  { iat: 1e9 },
  { iat: -1e9 },
  { iat: 600 },
  { iat: '' },
  { iss: '' },
  { jti: 7 },
  { jti: '\u2028"\n' },
  { 'https://sts.amazonaws.com/': { principal_tags: { a: 'x'.repeat(8_000) } } },
  { 'https://sts.amazonaws.com/': { principal_tags: { a: 'x'.repeat(18_000) } } },
  JSON.parse('{"__proto__":{"aud":"x"}}') as Record<string, unknown>,
]

/** @returns the answers to the first calls for one token; what comes after them is sound. */
export function createStsAnswers(random: Random): readonly StsAnswer[] {
  return Array.from({ length: random.pick([1, 1, 1, 2, 5, 40]) }, () => createAnswer(random))
}

function createAnswer(random: Random): StsAnswer {
  const choice = random.below(7)
  if (choice === 0) return SOUND
  if (choice === 1) return { ...SOUND, claims: random.pick(CLAIMS), signature: random.pick(SIGNATURES) }
  return { ...SOUND, ...createOddAnswer(random, SOUND, BODIES) }
}
