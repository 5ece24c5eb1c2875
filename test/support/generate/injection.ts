import { ROUTE_FIELDS } from '../../../proxy/src/contract.ts'
import { ANNOTATIONS, PARTNER_ANNOTATIONS } from '../../../webhook/src/injection/annotations/annotations.ts'
import { OUTCOMES, REASONS, REMEDIES } from '../../../webhook/src/injection/outcome.ts'
import type { GeneratedDocument } from './documents.ts'
import { GENERATED, markdownTable } from './documents.ts'

export function documents(): readonly GeneratedDocument[] {
  return [
    { path: 'docs/annotations.md', content: annotationsPage() },
    { path: 'docs/reasons.md', content: reasonsPage() },
  ]
}

const PARTNERS = new Intl.ListFormat('en-GB').format(PARTNER_ANNOTATIONS.map((name) => `\`${name}\``))

const annotationsPage = (): string => `${GENERATED}

# Annotations

Write them on the **pod**: in a Deployment that is \`spec.template.metadata.annotations\`, not \`metadata.annotations\`. All values are strings; quote \`'true'\` and numbers.
[\`outbound-jwt lint\`](cli.md) finds the usual mistakes before a cluster does.

\`\`\`yaml
metadata:
  annotations:
    outbound-jwt.io/inject: 'true'
    outbound-jwt.io/hosts: api.partner.example
    outbound-jwt.io/audience: https://api.partner.example
\`\`\`

A pod with a mistake in any of them is refused, with every mistake at once. An unknown \`outbound-jwt.io/\` key is a mistake too; the message names the nearest one.

${markdownTable(
  ['annotation', 'default', 'meaning'],
  Object.entries(ANNOTATIONS).map(([name, { fallback, doc }]) => [`\`outbound-jwt.io/${name}\``, fallback, doc]),
)}

\`outbound-jwt.io/status\` is written by the webhook: its version, a hash of the annotations above, warnings. Do not write it.
Injected pods also have the label \`outbound-jwt.io/injected: 'true'\`: \`kubectl get pods -A -l outbound-jwt.io/injected=true\` lists them.
Whoever may create pods may write it, so let no NetworkPolicy trust it.

## Several partners: \`routes\`

A YAML list, at most 64 KiB, without anchors, aliases or tags. It replaces ${PARTNERS}; both is a mistake.
Values are strings: quote what YAML would take for a number or a boolean.

\`\`\`yaml
outbound-jwt.io/routes: |
  - hosts: [api.partner.example]
    audience: [https://api.partner.example]
  - hosts: ['*.other.example:8443']
    header: {name: X-Token, scheme: ''}
    ca: {configMap: other-ca, key: ca.crt}
\`\`\`

${markdownTable(
  ['key', 'example', 'default', 'meaning'],
  Object.values(ROUTE_FIELDS).flatMap(({ written }) =>
    written ? [[`\`${written.key}\``, `\`${written.example}\``, written.fallback, written.doc]] : [],
  ),
)}

## Ports of a partner

The application calls \`http://host/…\` or \`http://host:PORT/…\` with the port of the annotation; both reach that port over TLS. Any other port of a partner is refused:
what goes to a partner never leaves in clear text. An exact host wins over a wildcard, a longer wildcard over a shorter one.

## A namespace as a whole

A namespace labelled \`outbound-jwt.io/inject=enabled\` opts its pods in with the defaults of the chart, where the chart switches that on. There a pod without any annotation under \`outbound-jwt.io/\` that cannot
be injected is left alone, with a warning, and so is one without an AWS role (\`namespaceOptIn.withoutRole\`); a pod with one is held to it. \`outbound-jwt.io/inject: 'false'\` on a pod wins over the label.

Why a pod was refused or left alone: [reasons.md](reasons.md).
`

const reasonsPage = (): string => `${GENERATED}

# Reasons

Every admission has one: in parentheses in the message of a refusal, label \`reason\` of \`outbound_jwt_admission_decisions_total\`, field \`reason\` of the log line, audit annotation \`reason\`.
\`deny\` is for a pod with an annotation under \`outbound-jwt.io/\`: it is refused, and the message names every mistake with its allowed form. A pod that only its namespace opted in is left alone instead (\`allow\`),
with a warning.

${markdownTable(
  ['reason', 'decision', 'meaning', 'what to do'],
  Object.entries(REASONS).map(([reason, meaning]) => [
    `\`${reason}\``,
    decisionOf(reason),
    meaning,
    new Map<string, string>(Object.entries(REMEDIES)).get(reason) ?? '',
  ]),
)}
`

const decisionOf = (reason: string): string => new Map<string, string>(Object.entries(OUTCOMES)).get(reason) ?? 'deny'
