// What may come in the place of AWS credentials: from STS by a projected token, or from the agent of Pod Identity.
import type { Random } from '../random.ts'
import type { RawAnswer } from '../raw/answer.ts'
import { NAMESPACE, OK, createOddAnswer } from './raw.ts'

/** No output may ever show these. */
export const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY0'
export const SESSION_TOKEN = `FwoGZXIvYXdzE${'aB3'.repeat(60)}==`

/** Where a pod's credentials come from. */
export type Source = 'web identity' | 'pod identity'

const XML =
  `<AssumeRoleWithWebIdentityResponse xmlns="${NAMESPACE}"><AssumeRoleWithWebIdentityResult><Credentials>` +
  `<AccessKeyId>ASIAEXAMPLEEXAMPLE00</AccessKeyId><SecretAccessKey>${SECRET}</SecretAccessKey><SessionToken>${SESSION_TOKEN}</SessionToken>` +
  '<Expiration>%IN 3600 SECONDS%</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>'
const JSON_BODY = JSON.stringify({
  AccessKeyId: 'ASIAEXAMPLEEXAMPLE00',
  SecretAccessKey: SECRET,
  Token: SESSION_TOKEN,
  AccountId: '123456789012',
  Expiration: '%IN 3600 SECONDS%',
})

/** What either says when all is well. */
export const SOUND_SESSION: Readonly<Record<Source, RawAnswer>> = {
  'web identity': { head: OK, body: XML, mutations: [], pace: 'whole' },
  'pod identity': { head: OK.replace('text/xml', 'application/json'), body: JSON_BODY, mutations: [], pace: 'whole' },
}

const briefly = (text: string): string => text.replace('3600', '1')

/** Ends so soon that the SDK asks for a new one with the next case; one that lasts minutes would serve on while it asks in the background. */
export const BRIEF_SESSION: Readonly<Record<Source, RawAnswer>> = {
  'web identity': { ...SOUND_SESSION['web identity'], body: briefly(XML) },
  'pod identity': { ...SOUND_SESSION['pod identity'], body: briefly(JSON_BODY) },
}

const BODIES: Readonly<Record<Source, readonly string[]>> = {
  'web identity': [
    '',
    JSON_BODY,
    XML.replace('%IN 3600 SECONDS%', 'never'),
    XML.replace('%IN 3600 SECONDS%', '1970-01-01T00:00:00Z'),
    XML.replace(/<Expiration>.*<.Expiration>/, ''),
    XML.replace(/<SessionToken>.*<.SessionToken>/, ''),
    XML.replace(/<SecretAccessKey>.*<.SecretAccessKey>/, '<SecretAccessKey/>'),
    XML.replace(/<Credentials>.*<.Credentials>/, ''),
    XML.replace('<AccessKeyId>', `<AccessKeyId>${SECRET}`),
    XML.replaceAll('AssumeRoleWithWebIdentity', 'AssumeRole'),
    XML.replace('xmlns="', 'xmlns="urn:other:'),
    `<html><body><p>Proxy login ${SESSION_TOKEN}</body></html>`,
  ],
  'pod identity': [
    '',
    XML,
    'null',
    '[]',
    '"text"',
    '{}',
    '{'.repeat(20_000),
    JSON_BODY.replace('%IN 3600 SECONDS%', 'never'),
    JSON_BODY.replace('%IN 3600 SECONDS%', '1970-01-01T00:00:00Z'),
    JSON_BODY.replace('"%IN 3600 SECONDS%"', '17e99'),
    JSON_BODY.replace('"Token"', '"token"'),
    JSON_BODY.replace(`"${SECRET}"`, '{"a":1}'),
    JSON_BODY.replace('{', '{"__proto__":{"AccessKeyId":"x"},'),
    JSON_BODY.replace('ASIAEXAMPLEEXAMPLE00', 'A\\r\\nX: y'),
    `{"code":"AccessDenied","message":"${SESSION_TOKEN}"}`,
    `Proxy login ${SESSION_TOKEN}`,
  ],
}

/** @returns the answers to the next calls for a session. */
export function createSessionAnswers(random: Random, source: Source): readonly RawAnswer[] {
  const sound = BRIEF_SESSION[source]
  return Array.from({ length: random.pick([1, 1, 2, 4, 30]) }, () =>
    random.chance(0.15) ? sound : createOddAnswer(random, sound, BODIES[source].map(briefly)),
  )
}
