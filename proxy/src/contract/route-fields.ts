import { exchange, writtenExchange } from './exchange-parser.ts'
import type { FieldParser, TextParser } from './fields.ts'
import { listField, seconds, separated, stringField, writtenDuration } from './fields.ts'
import type { WrittenParser } from './mounted-object.ts'
import { CA_FILE, configMapFile, tlsSecretDirectory } from './mounted-object.ts'
import { absolutePath, oneOf } from './parsers.ts'
import {
  AUDIENCE_ITEMS,
  DURATION_BOUNDS,
  MOST_HOSTS,
  SIGNING_ALGORITHMS,
  TIMEOUT_BOUNDS,
  UPSTREAM_TIMEOUT_SECONDS,
  audienceText,
  header,
  hostText,
  nameText,
  tags,
  tagsText,
} from './route-values.ts'

/** One field of a route: a row of the table that ROUTES, the annotations and their docs are made from. */
interface RouteField<T> {
  /** Parses the value that ROUTES has. */
  readonly parse: FieldParser<T>
  /** Value of a route that does not have the field, and left out of ROUTES. */
  readonly default?: T
  /** A route may be without it. */
  readonly optional?: true
  /** In the annotation `routes`. Absent: authors do not write it. */
  readonly written?: WrittenField<T>
  /** As an annotation of its own, for a pod with one route. */
  readonly annotation?: FlatAnnotation<T>
}

interface WrittenField<T> {
  readonly key: string
  /** Absent: as in ROUTES. */
  readonly parse?: WrittenParser<T>
  readonly example: string
  /** What an absent key means, for the docs. */
  readonly fallback: string
  readonly doc: string
}

interface FlatAnnotation<T> {
  /** After `outbound-jwt.io/`. */
  readonly name: string
  readonly parse: TextParser<T>
  /** What an absent annotation means, for the docs. */
  readonly fallback: string
  readonly doc: string
}

const hosts = listField(hostText, 1, MOST_HOSTS)
const audience = listField(audienceText, 1, AUDIENCE_ITEMS)
const signingAlgorithm = stringField(oneOf(...SIGNING_ALGORITHMS))
/** An operator's default has the same values. */
export const HTTPS_POLICIES = ['refuse', 'tunnel', 'intercept'] as const
const https = stringField(oneOf(...HTTPS_POLICIES))
const OF_HOST = '`https://<host>` of the partner that is called'
const HTTPS_DOC =
  'An `https://` URL of a partner: `refuse` it with the `http://` URL to use, `tunnel` it without a token, or `intercept` it, so that it gets its token unchanged: the application then trusts a certificate authority of its own sidecar.'
/** ROUTES is complete without it: the webhook writes what is not `refuse`. */
const HTTPS_FALLBACK = '`injection.https` of the chart, which is `refuse`'

/** The closed set, in the order of ROUTES, of the docs and of error messages. A new field is a row here, and its use. */
const FIELDS = {
  /** Metric label and log field. Absent: the first host. */
  name: { parse: stringField(nameText) },
  /** Host patterns in their one spelling, see `formatHostPattern`. */
  hosts: {
    parse: hosts,
    written: {
      key: 'hosts',
      example: "[api.partner.example, '*.partner.example:8443']",
      fallback: 'required',
      doc: `Partners that get this token, at most ${MOST_HOSTS}; the forms of the annotation \`hosts\`. A host is in one route only.`,
    },
    annotation: {
      name: 'hosts',
      parse: separated(hosts),
      fallback: 'the hosts of `audience`, when every item is an https URL',
      doc: 'Partners that get the token, comma separated: `host` or `*.suffix` (any depth, not the suffix itself), with an optional `:port` (TLS, default 443).',
    },
  },
  source: {
    parse: stringField(oneOf('aws', 'kubernetes')),
    default: 'aws',
    written: {
      key: 'source',
      example: 'kubernetes',
      fallback: '`aws`',
      doc: "Where the token comes from: `aws` (STS), or `kubernetes`: the cluster's own, for the service account of the pod, with exactly one audience and without an AWS role.",
    },
  },
  /** Audiences of the token. Empty: `https://<matched host>`, per host, without port. */
  audience: {
    parse: audience,
    default: [],
    written: {
      key: 'audience',
      example: '[https://api.partner.example]',
      fallback: `${OF_HOST}; with an exchange its own, see [presets](presets.md)`,
      doc: `Audiences of the token, at most ${AUDIENCE_ITEMS}. With an exchange it goes to the token endpoint, not to the host.`,
    },
    annotation: {
      name: 'audience',
      parse: separated(audience),
      fallback: OF_HOST,
      doc: `Audiences of the token, comma separated, 1 to ${AUDIENCE_ITEMS}. Without \`hosts\`, each https URL is a partner of its own and gets a token for itself only.`,
    },
  },
  /** The default leaves 7 minutes of cover for an STS outage when refreshed at half its life. */
  durationSeconds: {
    parse: seconds(DURATION_BOUNDS),
    default: 900,
    written: {
      key: 'duration',
      parse: writtenDuration(DURATION_BOUNDS),
      example: '15m',
      fallback: '`900s`; with an exchange its own, see [presets](presets.md); `3600s` with source `kubernetes`',
      doc: 'Life of the token, 60 s to 1 h; 10 min to 1 h with source `kubernetes`.',
    },
    annotation: {
      name: 'duration',
      parse: writtenDuration(DURATION_BOUNDS),
      fallback: '`900s`',
      doc: 'Life of the token, 60 s to 1 h: `15m`, `900s` or seconds. What the AWS session cannot hold is shortened.',
    },
  },
  /** The default is the one algorithm every relying party accepts; several refuse ES384. */
  signingAlgorithm: {
    parse: signingAlgorithm,
    default: 'RS256',
    written: {
      key: 'signingAlgorithm',
      example: 'ES384',
      fallback: '`RS256`',
      doc: '`RS256` or `ES384`.',
    },
    annotation: {
      name: 'signing-algorithm',
      parse: signingAlgorithm,
      fallback: '`RS256`',
      doc: 'Signature of the token: `RS256` or `ES384`.',
    },
  },
  /** Sent as STS tags; self-asserted claims unless IAM pins them. */
  tags: {
    parse: tags,
    default: {},
    written: {
      key: 'tags',
      example: "{team: orders, build: '42'}",
      fallback: 'none',
      doc: 'Claims of your own, at most 50. The role needs `sts:TagGetWebIdentityToken`.',
    },
    annotation: {
      name: 'tags',
      parse: tagsText,
      fallback: 'none',
      doc: 'Claims of your own, `key=value,key2=value2`, at most 50. The role needs `sts:TagGetWebIdentityToken`.',
    },
  },
  /** The projected token of source `kubernetes`. */
  subjectTokenFile: { parse: stringField(absolutePath), optional: true },
  /** What the token is exchanged for before anything is sent to the hosts. */
  exchange: {
    parse: exchange,
    optional: true,
    written: {
      key: 'exchange',
      parse: writtenExchange,
      example: '{preset: openai, identityProviderId: idp_1, serviceAccountId: sa_1}',
      fallback: 'none: the partner gets the token itself',
      doc: 'Token endpoint that turns the token into what the partner accepts; the header then carries the result. See [presets](presets.md).',
    },
  },
  header: {
    parse: header,
    default: { name: 'Authorization', scheme: 'Bearer' },
    written: {
      key: 'header',
      example: "{name: X-Partner-Token, scheme: ''}",
      fallback: '`Authorization`, `Bearer`; with exchange `vault` `X-Vault-Token` alone',
      doc: 'Header that carries the token, and the word before it; an empty scheme is none. Not a framing, hop-by-hop, Host, Cookie or Proxy-* header.',
    },
  },
  /** What happens to a header of the application's that ours would collide with. */
  onExisting: {
    parse: stringField(oneOf('replace', 'keep', 'reject')),
    default: 'replace',
    written: {
      key: 'onExisting',
      example: 'reject',
      fallback: '`replace`',
      doc: "What happens to the application's own header of that name: `replace` it, `keep` it (no token), or `reject` the request.",
    },
  },
  /** What an https:// URL of the host (a CONNECT to its TLS port) gets: a refusal that names the http:// URL, a blind tunnel without a token, or the path of every request. */
  https: {
    parse: https,
    default: 'refuse',
    written: { key: 'https', example: 'intercept', fallback: HTTPS_FALLBACK, doc: HTTPS_DOC },
    annotation: { name: 'https', parse: https, fallback: HTTPS_FALLBACK, doc: HTTPS_DOC },
  },
  /** How long these partners may take until their response head. Absent: UPSTREAM_TIMEOUT. */
  timeoutSeconds: {
    parse: seconds(TIMEOUT_BOUNDS),
    optional: true,
    written: {
      key: 'timeout',
      parse: writtenDuration(TIMEOUT_BOUNDS),
      example: '30s',
      fallback: `\`${UPSTREAM_TIMEOUT_SECONDS}s\``,
      doc: 'How long the partner may take until its response head, 1 s to 1 h; then the application gets 504 `upstream_timeout`.',
    },
  },
  /** PEM file with the only trust anchors for these hosts. */
  caFile: {
    parse: stringField(absolutePath),
    optional: true,
    written: {
      key: 'ca',
      parse: configMapFile('ca', CA_FILE),
      example: '{configMap: partner-ca, key: ca.crt}',
      fallback: 'public authorities',
      doc: 'ConfigMap in the namespace of the pod with the only trust anchors for these hosts, as PEM.',
    },
  },
  /** Directory with `TLS_FILES`, which are shown to these hosts alone. */
  clientCertificateDir: {
    parse: stringField(absolutePath),
    optional: true,
    written: {
      key: 'clientCertificate',
      parse: tlsSecretDirectory('client'),
      example: '{secret: partner-client}',
      fallback: 'none',
      doc: 'Secret of type `kubernetes.io/tls` in the namespace of the pod: the certificate that the sidecar shows to these hosts, and to nobody else. See [mutual TLS](mutual-tls.md).',
    },
  },
} as const satisfies Readonly<Record<string, RouteField<unknown>>>

type Fields = typeof FIELDS
export type RouteFieldName = keyof Fields
type ValueOf<Name extends RouteFieldName> = NonNullable<ReturnType<Fields[Name]['parse']>>
type Having<Property extends string> = {
  [Name in RouteFieldName]: Fields[Name] extends Readonly<Record<Property, unknown>> ? Name : never
}[RouteFieldName]

/** How tokens for a set of partner hosts are made and sent. Frozen; every field has its value, defaults included. */
export type Route = { readonly [Name in Exclude<RouteFieldName, Having<'optional'>>]: ValueOf<Name> } & {
  readonly [Name in Having<'optional'>]?: ValueOf<Name>
}
export type OnExisting = Route['onExisting']

/** How a token is made, wherever it goes. */
export const TOKEN_FIELD_NAMES = [
  'source',
  'audience',
  'durationSeconds',
  'signingAlgorithm',
  'tags',
  'subjectTokenFile',
  'exchange',
] as const satisfies readonly RouteFieldName[]
export type TokenFieldName = (typeof TOKEN_FIELD_NAMES)[number]
export type TokenFields = Pick<Route, TokenFieldName>

/** The table, one type for all rows. */
export const ROUTE_FIELDS: { readonly [Name in RouteFieldName]: RouteField<ValueOf<Name>> } = FIELDS
export const ROUTE_FIELD_NAMES = Object.keys(FIELDS) as readonly RouteFieldName[]

export const ROUTE_DEFAULTS = Object.fromEntries(
  ROUTE_FIELD_NAMES.filter((name) => 'default' in FIELDS[name]).map((name) => [name, ROUTE_FIELDS[name].default]),
) as { readonly [Name in Having<'default'>]: ValueOf<Name> }

/** Name of a flat annotation → type of its value. */
export type FlatValues = {
  readonly [Name in Having<'annotation'> as Fields[Name]['annotation']['name']]: ValueOf<Name>
}
