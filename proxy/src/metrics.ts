import type { MetricsTable } from './runtime/index.ts'

/** OpenTelemetry's advice for HTTP durations, in seconds. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const
const REQUEST_LABELS = ['route', 'http_request_method', 'http_response_status_code', 'error_type'] as const

/** Every metric of the proxy. docs/metrics.md is made from this table. `route` is a name from ROUTES, or `none`. */
export const METRICS = {
  buildInfo: {
    type: 'gauge',
    name: 'outbound_jwt_proxy_build_info',
    help: '1, with the version that runs.',
    labels: ['version'],
  },
  serverDuration: {
    type: 'histogram',
    name: 'http_server_request_duration_seconds',
    help: 'Time from the head of a request to the end of its response, by route, method, status and error code.',
    labels: REQUEST_LABELS,
    buckets: DURATION_BUCKETS,
  },
  clientDuration: {
    type: 'histogram',
    name: 'http_client_request_duration_seconds',
    help: 'Time from handing a request to the connection pool to the end of the response of the partner.',
    labels: REQUEST_LABELS,
    buckets: DURATION_BUCKETS,
  },
  routeCalls: {
    type: 'counter',
    name: 'outbound_jwt_route_calls_total',
    help:
      'Calls of a route by what became of them, each 0 from the start: request (left with its token), failed (ended in the sidecar, mostly without a token: the error code says why), refused (an https:// URL with ' +
      'https: refuse), tunnel (without a token, with https: tunnel), untrusted (the client did not accept the certificate of https: intercept). ' +
      'A route whose application calls past the sidecar stays at 0.',
    labels: ['route', 'result'],
  },
  inFlight: {
    type: 'gauge',
    name: 'outbound_jwt_requests_in_flight',
    help: 'Requests whose response is not complete; as many are admitted as the memory limit holds, at most 1024, or as MAX_CONNECTIONS says.',
    labels: [],
  },
  refused: {
    type: 'counter',
    name: 'outbound_jwt_connections_refused_total',
    help: 'Connections answered with an error before they held a request, by error code.',
    labels: ['error_type'],
  },
  interimDropped: {
    type: 'counter',
    name: 'outbound_jwt_interim_responses_dropped_total',
    help: 'Interim responses (102, 103 and others) of a host that were not passed on, because clients of HTTP/1.1 misread them, or because there were too many.',
    labels: ['http_response_status_code'],
  },
  retries: {
    type: 'counter',
    name: 'outbound_jwt_retries_total',
    help: 'Requests sent again because a connection kept open for reuse turned out to be closed.',
    labels: ['route'],
  },
  connects: {
    type: 'counter',
    name: 'outbound_jwt_connects_total',
    help:
      'CONNECT requests by what became of them: blind (a host without a rule), unauthenticated (a rule host whose route says https: tunnel), ' +
      'plain (served as requests, with a token), intercepted (TLS that ends here, then the same), tls_in_plain (closed: TLS inside of plain), or the error code.',
    labels: ['result'],
  },
  steered: {
    type: 'counter',
    name: 'outbound_jwt_steered_connections_total',
    help:
      'Connections to STEERED_PORTS by what became of them: plain, intercepted, or unrecognized_name (ended: TLS without a server name, or with ' +
      'one that no route intercepts).',
    labels: ['result'],
  },
  interceptRefused: {
    type: 'counter',
    name: 'outbound_jwt_intercept_refused_total',
    help: 'TLS connections of applications that did not accept the certificate, by route and by their alert; closed: they left without one.',
    labels: ['route', 'reason'],
  },
  tunnels: {
    type: 'gauge',
    name: 'outbound_jwt_tunnels_open',
    help: 'Tunnels that are open: blind (CONNECT) or upgrade (WebSocket and other protocols after a 101).',
    labels: ['mode'],
  },
  tokenLookups: {
    type: 'counter',
    name: 'outbound_jwt_token_lookups_total',
    help: 'Requests that found a usable token (hit) or had to wait for one (miss).',
    labels: ['result'],
  },
  tokenFetches: {
    type: 'counter',
    name: 'outbound_jwt_token_fetches_total',
    help: 'Attempts to mint a token: ok, or the class of the failure.',
    labels: ['result'],
  },
  tokenExchanges: {
    type: 'counter',
    name: 'outbound_jwt_token_exchanges_total',
    help: 'Steps of exchanges: source (the token that is exchanged) and exchange (the call of the token endpoint); ok, or the class of the failure.',
    labels: ['step', 'result'],
  },
  tokensRejected: {
    type: 'counter',
    name: 'outbound_jwt_tokens_rejected_total',
    help: 'Exchanged tokens that were dropped before they expired, because the partner answered 401 invalid_token.',
    labels: ['route'],
  },
  tokenRefreshFailures: {
    type: 'counter',
    name: 'outbound_jwt_token_refresh_failures_total',
    help: 'Refreshes in the background that failed while the token before was still good.',
    labels: ['route'],
  },
  tokenIssued: {
    type: 'gauge',
    name: 'outbound_jwt_token_issued_timestamp_seconds',
    help: 'When the token in use was issued; of several of one route, the one that expires first.',
    labels: ['route'],
  },
  tokenExpires: {
    type: 'gauge',
    name: 'outbound_jwt_token_expiry_timestamp_seconds',
    help: 'When the token in use expires; of several of one route, the first. Alert when it comes near: refreshes are failing.',
    labels: ['route'],
  },
  tokenBytes: {
    type: 'gauge',
    name: 'outbound_jwt_token_bytes',
    help: 'Length of the token in use; partners limit the size of a header.',
    labels: ['route'],
  },
  tokenFileWritten: {
    type: 'gauge',
    name: 'outbound_jwt_token_file_written_timestamp_seconds',
    help: 'When this process last wrote a token into the file; 0 while it has none to write.',
    labels: ['file'],
  },
  tokenFileFailures: {
    type: 'counter',
    name: 'outbound_jwt_token_file_failures_total',
    help: 'Attempts to keep a token file current that failed: token (there was none), or write (the file could not be written).',
    labels: ['file', 'reason'],
  },
  clientCertificateExpiry: {
    type: 'gauge',
    name: 'outbound_jwt_client_certificate_expiry_timestamp_seconds',
    help: 'When the client certificate in use expires. Alert when it comes near: nobody renews its Secret.',
    labels: ['route'],
  },
  clockSkew: {
    type: 'gauge',
    name: 'outbound_jwt_clock_skew_seconds',
    help: "The issuer's clock minus this machine's, by the last token.",
    labels: ['route'],
  },
  sessionEnds: {
    type: 'gauge',
    name: 'outbound_jwt_aws_session_end_timestamp_seconds',
    help: 'When the AWS session behind the tokens ends; 0 when the credentials do not say.',
    labels: [],
  },
} as const satisfies MetricsTable

export type ProxyMetrics = typeof METRICS
