// The rows of the settings table that only standalone mode has. Their names, meanings and defaults are those of gp42/aws-outbound-jwt-proxy v0.3.
import type { Parser } from '../contract.ts'
import {
  AUDIENCE_ITEMS,
  DURATION_BOUNDS,
  absolutePath,
  accepted,
  audienceText,
  csv,
  headerNameText,
  optional,
  parseHostPattern,
  refused,
} from '../contract.ts'
import { ANY_HOST } from '../routing/rules.ts'
import { listenAddress, setting } from '../runtime/index.ts'
import { goBoolean, goDuration, oneOfAnyCase } from './go-values.ts'

const pinnedHost: Parser<string> = (value) => {
  const parsed = parseHostPattern(value)
  return parsed.ok && !parsed.value.wildcard
    ? accepted(value)
    : refused('host or host:port without a scheme; a DNS name, no IP address, no localhost')
}

const allowedHost: Parser<string> = (value) => {
  if (value === ANY_HOST || parseHostPattern(value).ok) return accepted(value)
  return refused('host, host:port, *.suffix or * for any host; DNS names, no IP addresses, no localhost')
}

const allowedHosts: Parser<readonly string[]> = (value) => (value === '' ? accepted([]) : csv(allowedHost)(value))

const audiences: Parser<readonly string[]> = (value) => {
  const parsed = csv(audienceText)(value)
  return parsed.ok && parsed.value.length > AUDIENCE_ITEMS ? refused(`at most ${AUDIENCE_ITEMS} audiences`) : parsed
}

/** Host is the one framing field that may name the upstream, and it is replaced in any case. */
const hostHeader: Parser<string> = (value) => (value.toLowerCase() === 'host' ? accepted(value) : headerNameText(value))

export const STANDALONE_SETTINGS = {
  upstreamHost: setting(
    'UPSTREAM_HOST',
    '',
    optional(pinnedHost),
    'The one upstream, `host` or `host:port`, of every request in origin form.',
  ),
  allowedHosts: setting(
    'ALLOWED_HOSTS',
    '',
    allowedHosts,
    'Upstreams that `HOST_HEADER` may name, comma separated: `host`, `*.suffix`, each with an optional `:port`; `*` alone is any host on the default port.',
  ),
  hostHeader: setting(
    'HOST_HEADER',
    'X-Upstream-Host',
    hostHeader,
    'Request header that names the upstream; never forwarded.',
  ),
  upstreamScheme: setting('UPSTREAM_SCHEME', 'https', oneOfAnyCase('https', 'http'), 'How upstreams are called.'),
  allowPlaintextUpstream: {
    ...setting(
      'ALLOW_PLAINTEXT_UPSTREAM',
      'false',
      goBoolean,
      'Lets `UPSTREAM_SCHEME=http` send tokens in clear text.',
    ),
    alone: 'true',
  },
  tokenAudience: {
    ...setting(
      'TOKEN_AUDIENCE',
      '',
      optional(audiences),
      'Audiences of the token, comma separated; default `<scheme>://<host>` of the upstream.',
    ),
    repeatable: true,
  },
  tokenSigningAlgorithm: setting(
    'TOKEN_SIGNING_ALGORITHM',
    'RS256',
    oneOfAnyCase('RS256', 'ES384'),
    'How tokens are signed.',
  ),
  tokenDurationSeconds: setting(
    'TOKEN_DURATION',
    '1h',
    goDuration(DURATION_BOUNDS.minimum, DURATION_BOUNDS.maximum),
    'Life of a token; what the AWS session cannot hold is shortened.',
  ),
  tlsCert: setting(
    'TLS_CERT',
    '',
    optional(absolutePath),
    'PEM file with the certificate chain of the listener; it then speaks TLS. Read again when it changes.',
  ),
  tlsKey: setting('TLS_KEY', '', optional(absolutePath), 'PEM file with the key of `TLS_CERT`.'),
  metricsListenAddr: setting(
    'METRICS_LISTEN_ADDR',
    ':9090',
    listenAddress,
    'Where metrics and probes are served; stands for `ADMIN_LISTEN_ADDR`.',
  ),
} as const

/** Defaults that standalone mode has instead of the sidecar's. */
export const STANDALONE_FALLBACKS = { listenAddr: '127.0.0.1:8080', upstreamTimeoutSeconds: '30s' } as const
