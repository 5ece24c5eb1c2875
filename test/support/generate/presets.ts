import type { ExchangeField, Preset, TokenLimits } from '../../../proxy/src/contract.ts'
import { EXCHANGE_TYPES, EXCHANGE_TYPE_NAMES, PRESETS, TYPE_LIMITS } from '../../../proxy/src/contract.ts'
import type { GeneratedDocument } from './documents.ts'
import { GENERATED, markdownTable } from './documents.ts'

export function documents(): readonly GeneratedDocument[] {
  return [{ path: 'docs/presets.md', content: page() }]
}

type Fields = Readonly<Record<string, ExchangeField<unknown>>>

const page = (): string => `${GENERATED}

# Exchanges and presets

Many partners do not take the token of AWS (or of the cluster) itself; their token endpoint takes it and answers with one of their own.
\`exchange\` of a route in the annotation [\`routes\`](annotations.md) names that endpoint, and the calls of the pod carry its answer.

\`\`\`yaml
outbound-jwt.io/routes: |
  - hosts: [api.openai.com]
    exchange: {preset: openai, identityProviderId: idp_1, serviceAccountId: sa_1}
\`\`\`

An exchange has either a \`preset\` or a \`type\`. Presets are the token endpoints of vendors, each with what it takes: a pod that could not work is refused, with the reason.
Every exchange has a source token of its own, never one that was used before.
\`audience\`, \`duration\`, \`signingAlgorithm\` and \`source\` of the route are those of the source token; the audience is what the endpoint checks, not the host.
With source \`kubernetes\` the default life is 3600 s, or what the preset takes.

A client secret or a private authority is named, never written: \`clientSecret: {secret: partner, key: client-secret}\`, \`ca: {configMap: partner-ca, key: ca.crt}\`, both in the namespace of the pod.
A literal secret, and a password in a URL, are refused.

## Presets

${markdownTable(
  ['preset', 'partner', 'grant, body', 'default audience', 'default life', 'limits'],
  Object.entries<Preset>(PRESETS).map(([name, row]) => [
    `[\`${name}\`](partners/${name}.md)`,
    row.title,
    `${row.grant === 'jwt' ? 'its own' : row.grant}, ${row.body}`,
    row.audience === undefined ? 'none: say it' : `\`${row.audience}\``,
    `${row.limits.default} s`,
    limits(row.limits),
  ]),
)}

${Object.entries<Preset>(PRESETS).map(presetSection).join('\n\n')}

## Types

For partners without a preset. The pages of [google](partners/google.md) and [vault](partners/vault.md) have the partner's side. [Alibaba Cloud](partners/alibaba.md) takes no token in a header.

${markdownTable(
  ['type', 'default life', 'limits'],
  EXCHANGE_TYPE_NAMES.map((name) => [`\`${name}\``, `${TYPE_LIMITS[name].default} s`, limits(TYPE_LIMITS[name])]),
)}

${EXCHANGE_TYPE_NAMES.map((name) => `### \`type: ${name}\`\n\n${TYPE_NOTES[name]}\n\n${fieldTable(EXCHANGE_TYPES[name])}`).join('\n\n')}
`

const TYPE_NOTES = {
  oauth2:
    'Any OAuth 2.0 token endpoint. What is not written is not sent: some endpoints refuse parameters that they do not know. There is no `Authorization` header unless `clientAuth` is `basic`.',
  google:
    'Workload identity federation of Google Cloud. The default audience is the provider with `https:` before it, which Google takes where the provider lists no audiences.',
  vault:
    'A login at Vault or OpenBao by the JWT auth method. The header is `X-Vault-Token` without a scheme unless the route says otherwise. The audience is what `bound_audiences` of the role names.',
} as const

function presetSection([name, row]: readonly [string, Preset]): string {
  const endpoints = row.tokenUrl.filter((template) => template !== '{tokenUrl}').map((template) => `\`${template}\``)
  return `### \`preset: ${name}\`

${row.why}${endpoints.length > 0 ? ` Endpoint: ${endpoints.join(', else ')}.` : ''}

${fieldTable(row.parameters)}

Sources: ${row.sources.map((source) => `<${source}>`).join(', ')}`
}

const fieldTable = (fields: Fields): string =>
  markdownTable(
    ['key', 'required', 'meaning'],
    Object.entries(fields).map(([name, { written, required, doc }]) => [
      `\`${written?.key ?? name}\``,
      required ? 'yes' : '',
      doc,
    ]),
  )

function limits({ algorithms, longest, oneAudience, takesOnce }: TokenLimits): string {
  const parts = [
    algorithms.length === 1 ? `${algorithms.join()} alone` : '',
    longest === undefined ? '' : `at most ${longest} s`,
    oneAudience ? 'one audience' : '',
    takesOnce ? 'each token once' : '',
  ].filter((part) => part !== '')
  return parts.length === 0 ? 'none' : parts.join(', ')
}
