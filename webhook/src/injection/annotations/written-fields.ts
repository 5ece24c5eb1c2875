import type { Route } from '@aws-outbound-jwt-injector/proxy/contract'
import { ROUTE_DEFAULTS, UPSTREAM_TIMEOUT_SECONDS } from '@aws-outbound-jwt-injector/proxy/contract'

/** One key of a route as authors write it in the `routes` annotation. */
export interface WrittenField {
  /** Where it ends up. */
  readonly field: keyof Route
  readonly example: string
  /** What an absent key means, for the docs. */
  readonly fallback: string
  readonly doc: string
}

/** The closed set, in the order of the docs and of error messages. */
export const WRITTEN_FIELDS = {
  hosts: {
    field: 'hosts',
    example: "[api.partner.example, '*.partner.example:8443']",
    fallback: 'required',
    doc: 'Partners that get this token, at most 100; the forms of the annotation `hosts`. A host is in one route only.',
  },
  audience: {
    field: 'audience',
    example: '[https://api.partner.example]',
    fallback: '`https://<host>` of the partner that is called',
    doc: 'Audiences of the token, at most 10.',
  },
  duration: {
    field: 'durationSeconds',
    example: '15m',
    fallback: `\`${ROUTE_DEFAULTS.durationSeconds}s\``,
    doc: 'Life of the token, 60 s to 1 h.',
  },
  signingAlgorithm: {
    field: 'signingAlgorithm',
    example: 'ES384',
    fallback: `\`${ROUTE_DEFAULTS.signingAlgorithm}\``,
    doc: '`RS256` or `ES384`.',
  },
  tags: {
    field: 'tags',
    example: "{team: orders, build: '42'}",
    fallback: 'none',
    doc: 'Claims of your own, at most 50. The role needs `sts:TagGetWebIdentityToken`.',
  },
  header: {
    field: 'header',
    example: "{name: X-Partner-Token, scheme: ''}",
    fallback: `\`${ROUTE_DEFAULTS.header.name}\`, \`${ROUTE_DEFAULTS.header.scheme}\``,
    doc: 'Header that carries the token, and the word before it; an empty scheme is none. Not a framing, hop-by-hop, Host, Cookie or Proxy-* header.',
  },
  onExisting: {
    field: 'onExisting',
    example: 'reject',
    fallback: `\`${ROUTE_DEFAULTS.onExisting}\``,
    doc: "What happens to the application's own header of that name: `replace` it, `keep` it (no token), or `reject` the request.",
  },
  https: {
    field: 'https',
    example: 'tunnel',
    fallback: `\`${ROUTE_DEFAULTS.https}\``,
    doc: 'An `https://` URL of a partner: `refuse` it with the `http://` URL to use, or `tunnel` it, without a token.',
  },
  timeout: {
    field: 'timeoutSeconds',
    example: '30s',
    fallback: `\`${UPSTREAM_TIMEOUT_SECONDS}s\``,
    doc: 'How long the partner may take until its response head, 1 s to 1 h; then the application gets 504 `upstream_timeout`.',
  },
  ca: {
    field: 'caFile',
    example: '{configMap: partner-ca, key: ca.crt}',
    fallback: 'public authorities',
    doc: 'ConfigMap in the namespace of the pod with the only trust anchors for these hosts, as PEM.',
  },
} as const satisfies Readonly<Record<string, WrittenField>>
