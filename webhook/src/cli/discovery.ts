import { printable, show } from '@aws-outbound-jwt-injector/proxy/contract'
import {
  INDISPENSABLE,
  REFUSE_ES384,
  REQUIRED_MEMBERS,
  STRICT_ABOUT_ISSUER,
  configurationUrl,
  jwksUrl,
} from '@aws-outbound-jwt-injector/proxy/reference'
import type { Document } from '@aws-outbound-jwt-injector/proxy/reference'
import { isObject, listAt, textAt } from '../injection/pod/json.ts'
import type { JsonObject } from '../injection/pod/json.ts'
import type { Given } from './arguments.ts'
import { EXITS } from './commands.ts'
import { jsonText } from './json.ts'
import type { Outcome, World } from './outcome.ts'
import type { Finding } from './report.ts'
import { report } from './report.ts'
import { PROGRAM, UsageError } from './usage.ts'

const PAGE = 'doctor.md#partners-that-want-more-than-aws-publishes'

/** Reads what a partner would read of an issuer, and judges it. @throws UsageError */
export async function runDiscovery({ argument: issuer, options, output }: Given, world: World): Promise<Outcome> {
  if (!isIssuer(issuer))
    throw new UsageError(`got the issuer ${issuer}, expected an https:// URL without a query, as the iss of a token`)
  if (options.complete === true && options.output !== undefined) throw new UsageError('expected --complete without -o')
  const url = configurationUrl(issuer)
  const configuration = await world.fetchDocument(url)
  if (!configuration.ok)
    return {
      status: EXITS.unavailable.status,
      stdout: '',
      stderr: `${PROGRAM}: ${printable(`${url} cannot be read: ${configuration.problem}`)}\n`,
    }
  if (options.complete === true) return complete(issuer, configuration.json)
  const keys = await world.fetchDocument(jwksUrl(issuer, configuration))
  return report(
    [
      issuerFinding(issuer, configuration.json),
      ...memberFindings(issuer, configuration.json),
      ...keyFindings(jwksUrl(issuer, configuration), keys),
    ],
    output,
  )
}

/** OpenID Connect Discovery 1.0 §3: https, no query, no fragment. An emulator on this machine has no certificate. */
function isIssuer(text: string): boolean {
  if (!URL.canParse(text) || /[?#\s]/.test(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname))
}

/** §4.3: the issuer in the document, the `iss` of tokens and the URL that was asked are one. */
function issuerFinding(issuer: string, document: JsonObject): Finding {
  const published = document['issuer']
  const group = 'issuer'
  if (published === issuer)
    return { group, verdict: 'pass', found: 'the issuer in the document equals the iss of tokens and its own URL' }
  return {
    group,
    verdict: 'fail',
    found: `the document says ${show(published) ?? 'nothing'}, not ${issuer}; compared byte for byte by ${STRICT_ABOUT_ISSUER.join('; ')}`,
    fix: 'Use the iss of a token as it is, without a slash at its end; a copy elsewhere works only by hand.',
    page: PAGE,
  }
}

function memberFindings(issuer: string, document: JsonObject): readonly Finding[] {
  const keys = jwksUrl(issuer, { ok: true, json: document })
  return Object.entries(REQUIRED_MEMBERS)
    .filter(([member]) => member !== 'issuer')
    .map(([member, who]): Finding => {
      const group = 'members that OpenID Connect Discovery 1.0 requires'
      if (document[member] !== undefined) return { group, verdict: 'pass', found: member }
      return {
        group,
        verdict: INDISPENSABLE.includes(member) ? 'fail' : 'warn',
        found: `${member} is missing, which breaks ${who.join(', ')}`,
        fix: `Give such a partner the issuer and the URL of the keys by hand: ${keys}`,
        page: PAGE,
      }
    })
}

function keyFindings(url: string, keys: Document): readonly Finding[] {
  const group = 'keys'
  const failed = (found: string): readonly Finding[] => [
    { group, verdict: 'fail', found, fix: `From where partners run: curl -i ${url}`, page: PAGE },
  ]
  if (!keys.ok) return failed(`${url} cannot be read: ${keys.problem}`)
  const list = (listAt(keys.json, 'keys') ?? []).filter(isObject)
  if (list.length === 0) return failed(`no keys at ${url}`)
  const bare = list
    .filter((key) => textAt(key, 'alg') === undefined)
    .map((key) => textAt(key, 'kid') ?? 'one without kid')
  const elliptic = list.filter((key) => textAt(key, 'kty') === 'EC')
  return [
    { group, verdict: 'pass', found: `${list.length} at ${url}` },
    ...(bare.length === 0
      ? []
      : [
          {
            group,
            verdict: 'warn' as const,
            found: `without alg, which some partners want: ${bare.join(', ')}`,
            fix: 'Give such a partner the keys by hand, with alg added.',
            page: PAGE,
          },
        ]),
    ...(elliptic.length === 0
      ? []
      : [{ group, verdict: 'pass' as const, found: `tokens with ES384 are refused by ${REFUSE_ES384.join(', ')}` }]),
  ]
}

/** @returns the document with every required member. */
function complete(issuer: string, document: JsonObject): Outcome {
  const base = issuer.replace(/\/$/, '')
  const copy = {
    ...document,
    issuer,
    // https URLs, because typed parsers want some; Kubernetes names a URN, which Ruby's openid_connect refuses.
    authorization_endpoint: document['authorization_endpoint'] ?? `${base}/not-offered/authorization`,
    token_endpoint: document['token_endpoint'] ?? `${base}/not-offered/token`,
    jwks_uri: jwksUrl(issuer, { ok: true, json: document }),
    response_types_supported: document['response_types_supported'] ?? ['id_token'],
    subject_types_supported: document['subject_types_supported'] ?? ['public'],
    id_token_signing_alg_values_supported: document['id_token_signing_alg_values_supported'] ?? ['RS256', 'ES384'],
  } satisfies Record<keyof typeof REQUIRED_MEMBERS, unknown>
  return {
    status: EXITS.fine.status,
    stdout: jsonText(copy),
    stderr: `${PROGRAM}: warning: the issuer in the copy stays ${printable(issuer)}. Partners that compare it with the address of the copy refuse it (${STRICT_ABOUT_ISSUER.join('; ')}); it helps those that take the address of the document apart from the issuer.\n`,
  }
}
