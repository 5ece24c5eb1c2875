import { LOG_LEVELS, VARIABLES } from '../../../proxy/src/contract.ts'
import { SETTINGS } from '../../../proxy/src/config.ts'
import { STANDALONE_SETTINGS } from '../../../proxy/src/standalone/settings.ts'
import type { AnnotationName } from '../../../webhook/src/injection/annotations/annotations.ts'
import { ANNOTATIONS } from '../../../webhook/src/injection/annotations/annotations.ts'
import { SIDECAR_VARIABLES } from '../../../webhook/src/injection/sidecar/sidecar-variables.ts'
import { ANNOTATION_FORMS } from './annotation-forms.ts'
import type { ChartValue, JsonSchema } from '../chart/values.ts'
import { CHART, oldestKubernetes, readChartValues } from '../chart/values.ts'
import type { GeneratedDocument } from './documents.ts'
import { GENERATED, markdownTable } from './documents.ts'

/** Annotations a namespace can have defaults for: all that a pod can have, but the wish itself. */
const DEFAULTS = (Object.keys(ANNOTATIONS) as AnnotationName[]).filter((name) => name !== 'inject')

/** Variables of the sidecar that are not the operator's: injection sets them, or every sidecar would end at its start. */
const RESERVED = [
  ...[...SIDECAR_VARIABLES].filter((name) => name !== VARIABLES.logLevel),
  SETTINGS.controlListenAddr.variable,
  // SECURITY: no injected sidecar calls loopback addresses.
  SETTINGS.allowLocalUpstreams.variable,
  ...Object.values(STANDALONE_SETTINGS).map(({ variable }) => variable),
]

const DURATION: JsonSchema = { pattern: '^([0-9]+|([0-9]+([.][0-9]+)?(h|m|s|ms))+)$' }
const PATH: JsonSchema = { pattern: '^/' }

/** Values of the operator's variables, where a wrong one would end every sidecar at its start. */
const OPERATOR_VARIABLES: Readonly<Record<string, JsonSchema>> = {
  [VARIABLES.logLevel]: { enum: LOG_LEVELS },
  [SETTINGS.logFormat.variable]: { enum: ['json', 'text'] },
  [SETTINGS.upstreamTimeoutSeconds.variable]: DURATION,
  [SETTINGS.shutdownTimeoutSeconds.variable]: DURATION,
  [SETTINGS.drainDelaySeconds.variable]: DURATION,
  [SETTINGS.tokenRefreshSkewSeconds.variable]: DURATION,
  [SETTINGS.upstreamCaFile.variable]: PATH,
  [SETTINGS.metricsEnabled.variable]: { enum: ['true', 'false'] },
  [SETTINGS.metricsPath.variable]: PATH,
}

/** Maps whose keys the code knows. */
const KEYS: Readonly<Record<string, JsonSchema>> = {
  'namespaceOptIn.defaults': {
    properties: Object.fromEntries(DEFAULTS.map((name) => [name, { type: 'string', pattern: ANNOTATION_FORMS[name] }])),
    additionalProperties: false,
  },
  'sidecar.extraEnv': {
    properties: {
      ...Object.fromEntries(RESERVED.map((name) => [name, false])),
      ...OPERATOR_VARIABLES,
    },
  },
}

export function documents(): readonly GeneratedDocument[] {
  const values = readChartValues()
  return [
    { path: `${CHART}/README.md`, content: readme(values) },
    { path: `${CHART}/values.schema.json`, content: `${JSON.stringify(rootSchema(values), null, 2)}\n` },
  ]
}

const readme = (values: readonly ChartValue[]): string => `${GENERATED}

# aws-outbound-jwt-injector

Annotate a pod; its calls to the partners you named leave with a short-lived JWT that AWS signed for the pod's IAM role.
Kubernetes ${oldestKubernetes()} or newer. One release per cluster: the registration has a fixed name, which must sort before EKS's own.

\`\`\`sh
helm install aws-outbound-jwt-injector oci://ghcr.io/aws-outbound-jwt-injector/charts/aws-outbound-jwt-injector \\
  --namespace outbound-jwt-system --create-namespace
helm test aws-outbound-jwt-injector --namespace outbound-jwt-system
\`\`\`

[Install](../../docs/install.md), [quick start](../../docs/quick-start.md), [upgrade](../../docs/upgrade.md) and [uninstall](../../docs/uninstall.md) have the details.
A value that does not exist, or has the wrong form, stops \`helm install\` with its path. What no form can say (the items of \`routes\`, bounds of durations) the webhook checks at its start: it does not start, its log names the value, and the replicas before it go on.

## Values

${markdownTable(['value', 'default', 'meaning'], values.flatMap(rows))}
`

function rows(value: ChartValue): readonly (readonly string[])[] {
  const { path, doc, fallback, children } = value
  if (children.length > 0) return [[`**\`${path}\`**`, '', doc], ...children.flatMap(rows)]
  return [[`\`${path}\``, `\`${JSON.stringify(fallback)}\``, doc]]
}

/** Helm adds \`global\` to the values of a chart that is part of another. */
const rootSchema = (values: readonly ChartValue[]): JsonSchema => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Values of aws-outbound-jwt-injector',
  ...objectSchema(values, { global: { type: 'object' } }),
})

const objectSchema = (values: readonly ChartValue[], others: JsonSchema = {}): JsonSchema => ({
  type: 'object',
  properties: { ...Object.fromEntries(values.map((value) => [nameOf(value), schemaOf(value)])), ...others },
  additionalProperties: false,
})

const schemaOf = ({ path, doc, schema, children }: ChartValue): JsonSchema => ({
  description: doc,
  ...(children.length > 0 ? objectSchema(children) : schema),
  ...KEYS[path],
})

const nameOf = ({ path }: ChartValue): string => path.slice(path.lastIndexOf('.') + 1)
