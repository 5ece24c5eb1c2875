import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Case, Observation, Recording, Row, Way } from '../../clients/cases.ts'
import { CLIENTS } from '../../clients/clients.ts'
import type { GeneratedDocument } from './documents.ts'
import { markdownTable } from './documents.ts'

const RECORDING = join(import.meta.dirname, '../../clients/results.json')

const WAYS: Readonly<Record<Way, string>> = {
  absolute: 'whole URL to the proxy',
  connect: 'CONNECT',
  'connect-plain': 'CONNECT, plain HTTP inside',
  'connect-refused': 'CONNECT, refused',
  steered: 'by the hosts file',
  direct: 'past the proxy',
  none: 'nothing',
}

/** Columns of the second table; several cases in one column when no client tells them apart. */
const BYPASS: readonly (readonly [string, readonly Case[]])[] = [
  ['localhost', ['localhost', 'loopback']],
  ['`[::1]`', ['loopback6']],
  ['address in NO_PROXY', ['address']],
  ['address in 10.0.0.0/8', ['network']],
  ['`.svc`', ['service', 'cluster']],
  ['`http://orders`', ['shortName']],
  ['AWS metadata and credentials', ['metadata', 'ecsCredentials', 'podIdentity']],
  ['the same, IPv6', ['metadata6']],
  ['other http', ['other']],
  ['other https', ['otherTls']],
]

export function documents(): readonly GeneratedDocument[] {
  const { rows, skipped } = JSON.parse(readFileSync(RECORDING, 'utf8')) as Recording
  return [{ path: 'docs/clients.md', content: page(rows, skipped) }]
}

function page(rows: Recording['rows'], skipped: Recording['skipped']): string {
  return `<!-- Generated from test/clients by \`npm run generate\`; do not edit. -->

# Clients

The webhook sets \`HTTP_PROXY\`, \`NO_PROXY\` (both also in lower case) and \`NODE_USE_ENV_PROXY\`, and with [\`https: intercept\`](https.md) \`HTTPS_PROXY\` and what a client needs to trust the sidecar. Most
clients then need nothing else. What follows was recorded by \`npm run test:clients\`: each client ran once per call, in exactly that environment, against the shipped proxy and a partner that verifies
tokens. Whatever the client, \`http://partner/\` without a port works; \`http://partner:8443/\` does not in clients that use CONNECT for it.

## Calls to a partner

${markdownTable(
  [
    'client',
    'version',
    '`http://` URL',
    'token',
    '`https://` URL, intercepted',
    'token',
    '`steering: hosts`',
    'needs',
    'needs to trust the sidecar',
  ],
  rows.map(({ client, version, observations: { refuse, intercept, hosts } }) => [
    client,
    version,
    WAYS[refuse.partner.way],
    token(refuse.partner),
    WAYS[intercept.partnerTls.way],
    token(intercept.partnerTls),
    steered(hosts.partner, hosts.partnerTls),
    clientOf(client)?.needs ?? '',
    clientOf(client)?.trustNeeds ?? '',
  ]),
)}

[\`steering: hosts\`](steering.md) needs no proxy variable, so what a client needs for those does not count there: the column says which URLs get the token.
Each client without a token by its intercepted \`https://\` URL has a line in the [notes](#notes).

## An \`https://\` URL without \`https: intercept\`

${markdownTable(
  ['client', '`https://` URL'],
  rows.map(({ client, observations }) => [client, https(observations.refuse.partnerTls)]),
)}

*Past the proxy* with an \`https://\` URL is encrypted before anybody could add a token: the partner is reached without one.
*CONNECT, refused* is the proxy's 403 \`use_http_url\`, whose status line names the URL to use; every client gave up after the number of attempts shown, none looped. Its header \`X-Outbound-Jwt-Error\` and its body say the same.
To let a client speak TLS to a partner itself, without a token, set \`https: tunnel\` in the route.

## What NO_PROXY does

*proxy* is not an error: the proxy forwards hosts without a rule as they are, without a token. *refused* is its 403 \`address_denied\`: it never connects to metadata and credential addresses.

${markdownTable(
  ['client', ...BYPASS.map(([title]) => title)],
  rows.map(({ client, observations }) => [
    client,
    ...BYPASS.map(([, cases]) => bypass(cases.map((name) => observations.refuse[name]))),
  ]),
)}

## Notes

${notes(rows)}
${skipped.map(({ client, reason }) => `- **${client}** was not run: ${reason}.`).join('\n')}
`
}

/** The partner answers 200 to nobody else. */
const token = ({ way, status }: Observation): string => (way !== 'direct' && status === 200 ? 'yes' : 'no')

function steered(http: Observation, tls: Observation): string {
  const schemes = [...(http.way === 'steered' ? ['`http://`'] : []), ...(tls.way === 'steered' ? ['`https://`'] : [])]
  return schemes.length === 0 ? 'no' : schemes.join(', ')
}

const clientOf = (name: string): (typeof CLIENTS)[number] | undefined => CLIENTS.find((client) => client.name === name)

function https(observation: Observation): string {
  const { way, attempts } = observation
  if (way !== 'connect-refused') return WAYS[way]
  return `${WAYS[way]} after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}${says(observation)}`
}

const says = ({ says: text }: Observation): string =>
  text === undefined ? '' : `; the client says: \`${text.replaceAll('`', "'")}\``

/** One word for calls that all did the same; each of them otherwise. */
function bypass(observations: readonly Observation[]): string {
  const words = observations.map(({ way, status }) => {
    if (way === 'direct') return 'direct'
    if (way === 'none') return 'nothing'
    if (way === 'connect-refused' || status === 403) return 'refused'
    return way === 'absolute' ? 'proxy' : 'proxy, CONNECT'
  })
  return [...new Set(words)].join(' / ')
}

function notes(rows: readonly Row[]): string {
  const lines = rows.flatMap(({ client, observations: { refuse, intercept } }) => {
    const { note, expected } = clientOf(client) ?? {}
    const unexpected = (['partner', 'partnerTls'] as const).filter(
      (name) => expected && refuse[name].way !== expected[name],
    )
    const surprises = unexpected.map((name) => `${name} went ${WAYS[refuse[name].way]}, not ${WAYS[expected![name]]}`)
    const { partnerTls } = intercept
    const refused =
      token(partnerTls) === 'no' ? [`No token by an \`https://\` URL, ${WAYS[partnerTls.way]}${says(partnerTls)}.`] : []
    const all = [...(note === undefined ? [] : [note]), ...refused, ...surprises]
    return all.length === 0 ? [] : [`- **${client}**: ${all.join(' ')}`]
  })
  return lines.join('\n')
}
