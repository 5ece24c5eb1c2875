/** One row per error the proxy makes itself: what the client sees, what the metric is called, what the docs say. */
export interface ErrorRow {
  readonly status: number
  /** RFC 9209 §2.3 error type for the Proxy-Status header. */
  readonly proxyStatus: string
  /** Whether the same request may succeed later without anybody changing anything. */
  readonly retryable: boolean
  /** What clients of gRPC are told. Default: 14, UNAVAILABLE. */
  readonly grpcStatus?: number
  readonly meaning: string
  readonly hint: string
}

/** UNAVAILABLE: the call failed, whatever it was, and may succeed later. Source: gRPC status codes. */
export const DEFAULT_GRPC_STATUS = 14

/** The codes never change: they are in `X-Outbound-Jwt-Error`, metrics, logs and docs/errors.md. */
export const ERRORS = {
  bad_request_target: {
    status: 400,
    proxyStatus: 'http_request_error',
    retryable: false,
    meaning: 'The request target is not one a forward proxy serves.',
    hint: 'Send the whole URL (http://host/path) to the proxy; most clients do so when HTTP_PROXY is set.',
  },
  malformed_request: {
    status: 400,
    proxyStatus: 'http_request_error',
    retryable: false,
    meaning: 'The request is not valid HTTP.',
    hint: 'Check the client; the log line names what the parser did not accept.',
  },
  ambiguous_framing: {
    status: 400,
    proxyStatus: 'http_request_error',
    retryable: false,
    meaning: 'The length of the body is not certain.',
    hint: 'Send either Content-Length once or Transfer-Encoding: chunked, not both.',
  },
  host_denied: {
    status: 403,
    proxyStatus: 'http_request_denied',
    retryable: false,
    meaning: 'No rule names this host, and the pod denies hosts without a rule.',
    hint: 'Add the host to the outbound-jwt.io/hosts annotation, or set outbound-jwt.io/unmatched to passthrough.',
  },
  port_denied: {
    status: 403,
    proxyStatus: 'http_request_denied',
    retryable: false,
    meaning: 'The host has a rule, for another port.',
    hint: 'Call http://host/ without a port, or list host:port in the outbound-jwt.io/hosts annotation.',
  },
  use_http_url: {
    status: 403,
    proxyStatus: 'http_request_denied',
    retryable: false,
    meaning: 'A tunnel to a host with a rule would leave without a token.',
    hint: 'Call the http:// URL instead; the proxy speaks TLS to the partner.',
  },
  address_denied: {
    status: 403,
    proxyStatus: 'destination_ip_prohibited',
    retryable: false,
    meaning: 'The host resolves only to addresses the proxy never connects to.',
    hint: 'Check the DNS name: loopback, metadata and credential addresses are refused.',
  },
  authorization_present: {
    status: 403,
    proxyStatus: 'http_request_denied',
    retryable: false,
    meaning: 'The request already carries the header, and its rule says onExisting: reject.',
    hint: 'Remove the header from the request, or change onExisting of the route.',
  },
  method_not_allowed: {
    status: 405,
    proxyStatus: 'http_request_denied',
    retryable: false,
    meaning: 'TRACE or TRACK to a host with a rule would return the token to the application.',
    hint: 'Use another method.',
  },
  request_timeout: {
    status: 408,
    proxyStatus: 'http_request_error',
    retryable: true,
    meaning: 'The request head did not arrive in time.',
    hint: 'Send the whole head within 15 s of the first byte or of the connection.',
  },
  expectation_failed: {
    status: 417,
    proxyStatus: 'http_request_error',
    retryable: false,
    meaning: 'The request expects something other than 100-continue.',
    hint: 'Send Expect: 100-continue, or no Expect field.',
  },
  authority_mismatch: {
    status: 421,
    proxyStatus: 'http_request_error',
    retryable: false,
    grpcStatus: 16,
    meaning: 'The request is for another host than its connection: than the CONNECT, or the server name of TLS, says.',
    hint: 'Open one connection per host.',
  },
  headers_too_large: {
    status: 431,
    proxyStatus: 'http_request_error',
    retryable: false,
    meaning: 'The request head is larger than 64 KiB or has more than 200 fields.',
    hint: 'Send fewer or smaller header fields.',
  },
  upgrade_unsupported: {
    status: 501,
    proxyStatus: 'http_request_error',
    retryable: false,
    meaning: 'This upgrade is not supported.',
    hint: 'Only protocol upgrades over HTTP/1.1, such as WebSocket, are forwarded.',
  },
  upstream_dns_failed: {
    status: 502,
    proxyStatus: 'dns_error',
    retryable: true,
    meaning: 'The name of the partner does not resolve.',
    hint: 'Check the host name and the DNS of the cluster.',
  },
  upstream_connect_failed: {
    status: 502,
    proxyStatus: 'connection_refused',
    retryable: true,
    meaning: 'The partner did not accept a connection.',
    hint: 'Check that egress to the partner is allowed (NetworkPolicy, security group, firewall).',
  },
  egress_proxy_denied: {
    status: 502,
    proxyStatus: 'http_request_denied',
    retryable: false,
    meaning: 'The egress proxy does not let this pod connect to the host.',
    hint: 'Ask who runs the egress proxy to allow CONNECT to this host and port.',
  },
  egress_proxy_unauthenticated: {
    status: 502,
    proxyStatus: 'proxy_configuration_error',
    retryable: false,
    meaning: 'The egress proxy wants a user name and a password, or does not accept those that it was sent.',
    hint: 'Put user:password into the Secret that outbound-jwt.io/egress-proxy-secret names; without the webhook, into the file of EGRESS_CREDENTIALS_FILE.',
  },
  egress_proxy_failed: {
    status: 502,
    proxyStatus: 'destination_unavailable',
    retryable: true,
    meaning: 'The egress proxy could not connect to the host.',
    hint: 'Check the host name, and that the egress proxy itself can resolve and reach the host.',
  },
  egress_proxy_unreachable: {
    status: 502,
    proxyStatus: 'connection_refused',
    retryable: true,
    meaning: 'The egress proxy did not accept a connection, or its name does not resolve.',
    hint: 'Check the host and port of outbound-jwt.io/egress-proxy (EGRESS_PROXY), and that the NetworkPolicy allows them.',
  },
  egress_proxy_tls_failed: {
    status: 502,
    proxyStatus: 'tls_certificate_error',
    retryable: false,
    meaning: 'TLS to the egress proxy failed, or its certificate could not be verified.',
    hint: 'An egress proxy that speaks no TLS itself needs http:// in its URL, which most do. For a private CA set UPSTREAM_CA_FILE.',
  },
  egress_proxy_timeout: {
    status: 504,
    proxyStatus: 'connection_timeout',
    retryable: true,
    meaning: 'The egress proxy had no connection to the host in time.',
    hint: 'Check that the egress proxy is reachable, and that it reaches the host: it may drop what it does not allow.',
  },
  http2_required: {
    status: 502,
    proxyStatus: 'http_protocol_error',
    retryable: false,
    grpcStatus: 12,
    meaning: 'The request needs HTTP/2, as gRPC does, and the partner does not offer it.',
    hint: 'Check that the partner offers h2 on this port (openssl s_client -alpn h2).',
  },
  upstream_tls_failed: {
    status: 502,
    proxyStatus: 'tls_certificate_error',
    retryable: false,
    meaning: 'The certificate of the partner could not be verified, or the partner ended TLS with an alert.',
    hint: 'For a private CA, name it in the ca field of outbound-jwt.io/routes; without the webhook, in UPSTREAM_CA_FILE.',
  },
  upstream_reset: {
    status: 502,
    proxyStatus: 'connection_terminated',
    retryable: true,
    meaning: 'The partner closed the connection before it answered.',
    hint: 'Retry when the request is safe to repeat.',
  },
  upstream_invalid_response: {
    status: 502,
    proxyStatus: 'http_protocol_error',
    retryable: false,
    meaning: 'The response of the partner is not valid HTTP. The partner may have carried out the request.',
    hint: 'Show the message to the partner; it names what the parser did not accept. A host without a rule can be called around the proxy: outbound-jwt.io/no-proxy.',
  },
  token_denied: {
    status: 502,
    proxyStatus: 'proxy_internal_response',
    retryable: false,
    grpcStatus: 16,
    meaning: 'AWS refused to mint the token.',
    hint: 'Run doctor in the sidecar: /nodejs/bin/node /app/doctor.mjs',
  },
  token_unavailable: {
    status: 503,
    proxyStatus: 'proxy_internal_response',
    retryable: true,
    meaning: 'The token could not be minted for the moment.',
    hint: 'Retry later; the proxy keeps trying.',
  },
  overloaded: {
    status: 503,
    proxyStatus: 'proxy_internal_response',
    retryable: true,
    meaning: 'More requests are in flight than the memory of the proxy holds, or than MAX_CONNECTIONS admits.',
    hint: 'Retry with backoff; reduce concurrency, or raise the memory limit (annotation outbound-jwt.io/memory-limit).',
  },
  draining: {
    status: 503,
    proxyStatus: 'proxy_internal_response',
    retryable: true,
    meaning: 'The proxy is shutting down.',
    hint: 'Retry; the pod is ending.',
  },
  upstream_timeout: {
    status: 504,
    proxyStatus: 'http_response_timeout',
    retryable: true,
    meaning: 'The partner did not answer in time.',
    hint: 'For a slow partner, raise the timeout field of outbound-jwt.io/routes; without the webhook, UPSTREAM_TIMEOUT.',
  },
  token_timeout: {
    status: 504,
    proxyStatus: 'proxy_internal_response',
    retryable: true,
    meaning: 'The token was not there in time.',
    hint: 'Check that the pod reaches sts.<region>.amazonaws.com:443.',
  },
  internal_error: {
    status: 500,
    proxyStatus: 'proxy_internal_error',
    retryable: false,
    meaning: 'A defect of the proxy.',
    hint: 'Please report it with the request ID and the log line.',
  },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERRORS

export interface ProxyErrorDetail {
  /** One sentence more exact than the meaning in the table. SECURITY: goes to the client; no token, credential or query. */
  readonly message?: string
  readonly hint?: string
  readonly retryAfterSeconds?: number
  /** Instead of the one in the table. */
  readonly proxyStatus?: string
  readonly cause?: unknown
}

/** An answer of the proxy's own; everything a client may see of it is in the table and the detail. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'
  readonly code: ErrorCode
  readonly hint: string
  readonly retryAfterSeconds: number | undefined
  readonly proxyStatus: string

  constructor(code: ErrorCode, detail: ProxyErrorDetail = {}) {
    super(detail.message ?? ERRORS[code].meaning, { cause: detail.cause })
    this.code = code
    this.hint = detail.hint ?? ERRORS[code].hint
    this.retryAfterSeconds = detail.retryAfterSeconds
    this.proxyStatus = detail.proxyStatus ?? ERRORS[code].proxyStatus
  }

  get row(): ErrorRow {
    return ERRORS[this.code]
  }
}
