import { ProxyError } from '../../errors.ts'
import { errorCode } from '../../runtime/index.ts'
import type { KeyPairInUse } from '../../runtime/index.ts'

/** How far a request had come when it failed. */
export type Phase = 'connecting' | 'waiting' | 'receiving'

const DNS_CODES = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME', 'ENODATA'])
const TIMEOUT_CODES = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'])
/** The other side ended the connection: what a connection that was idle too long looks like. */
const CLOSED_CODES = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])
/** OpenSSL's verification results and Node's TLS errors. */
const TLS_CODE = /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_|EPROTO$)/
/** The last word of the partner in TLS. In TLS 1.3 it may come after the handshake, because the server checks the client then. RFC 8446 §6.2. */
const TLS_ALERT = /^ERR_SSL_(?:SSL\/TLS|SSLV3|TLSV1|TLSV13)_(?:ALERT_)?(\w+)$/

/** What is known here of the client certificate that a partner was shown. */
export type ShownCertificate = Pick<KeyPairInUse, 'problem'>

/**
 * @param shown the client certificate of the route, where it has one.
 * @returns what the client is told about an error of the connection to the partner.
 * SECURITY: only the error's code goes along; messages of libraries may quote what was sent.
 */
export function upstreamFailure(error: unknown, phase: Phase, shown?: ShownCertificate): ProxyError {
  if (error instanceof ProxyError) return error
  const code = errorCode(error) ?? 'unknown'
  if (TLS_CODE.test(code)) return tlsFailure(code, error, shown)
  if (phase === 'connecting') return connectFailure(code, error)
  if (TIMEOUT_CODES.has(code)) return new ProxyError('upstream_timeout', { cause: error })
  const invalid = invalidity(error, code, phase)
  if (invalid !== undefined)
    return new ProxyError('upstream_invalid_response', {
      message: `The response is not valid HTTP/1.1 (${invalid}).`,
      cause: error,
    })
  if (code.startsWith('UND_ERR_INVALID_ARG')) return new ProxyError('internal_error', { cause: error })
  return new ProxyError('upstream_reset', { cause: error })
}

/** What alerts mean that have another cause than a certificate of the partner. */
const ALERTS: ReadonlyMap<string, string> = new Map([
  ['CERTIFICATE_REQUIRED', 'The partner wants a client certificate, and got none'],
  ['HANDSHAKE_FAILURE', 'The partner found nothing to agree on in TLS, or wants a client certificate'],
  ['PROTOCOL_VERSION', 'The partner speaks neither TLS 1.2 nor TLS 1.3'],
  ['UNRECOGNIZED_NAME', 'The partner does not know this host'],
  ['ACCESS_DENIED', 'The partner does not accept this client'],
  ['INTERNAL_ERROR', 'The partner failed within TLS'],
])
/** What is said of a certificate, and a server has seen no other than the client's. RFC 8446 §6.2. */
const CERTIFICATE_ALERT =
  /^(?:BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(?:REVOKED|EXPIRED|UNKNOWN)|UNKNOWN_CA|DECRYPT_ERROR)$/
const ALERT_HINT =
  'Ask the partner which clients its TLS accepts; for mutual TLS (mTLS), name a certificate in clientCertificate of outbound-jwt.io/routes.'
const SHOWN_HINT =
  'Ask the partner which authorities and names its mutual TLS (mTLS) accepts; doctor shows the client certificate of this route.'

function meaningOf(alert: string, shown: ShownCertificate | undefined): string {
  if (shown && CERTIFICATE_ALERT.test(alert)) return 'The partner does not accept the client certificate of this route'
  return ALERTS.get(alert) ?? 'The partner ended the TLS connection'
}

function hintOf(shown: ShownCertificate | undefined): string {
  if (shown?.problem === undefined) return shown ? SHOWN_HINT : ALERT_HINT
  return `Renew the Secret with the client certificate of this route (mTLS): ${shown.problem}.`
}

interface Unverified {
  readonly meaning: string
  readonly hint: string
}

/** Why a certificate is refused that may well be of a trusted authority. Source: OpenSSL's X509_V_ERR_…, and Node for the names. */
const UNVERIFIED: ReadonlyMap<string, Unverified> = new Map([
  [
    'CERT_HAS_EXPIRED',
    {
      meaning: 'The certificate of the partner, or one of its chain, has expired',
      hint: 'Tell the partner. If other clients still accept it, check the clock of this node (doctor: clock).',
    },
  ],
  [
    'CERT_NOT_YET_VALID',
    {
      meaning: 'The certificate of the partner, or one of its chain, is not valid yet',
      hint: 'Check the clock of this node (doctor: clock); if it is right, tell the partner.',
    },
  ],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    {
      meaning: 'The certificate of the partner is for other names than this host',
      hint: 'Spell the host in outbound-jwt.io/hosts and in the URL as the certificate does, and check where DNS or hostAliases lead the name.',
    },
  ],
])

function tlsFailure(code: string, cause: unknown, shown: ShownCertificate | undefined): ProxyError {
  const unverified = UNVERIFIED.get(code)
  if (unverified) {
    const { meaning, hint } = unverified
    return new ProxyError('upstream_tls_failed', { message: `${meaning} (${code}).`, hint, cause })
  }
  const alert = TLS_ALERT.exec(code)?.[1]
  if (alert === undefined)
    return new ProxyError('upstream_tls_failed', { message: `The TLS connection failed (${code}).`, cause })
  return new ProxyError('upstream_tls_failed', {
    message: `${meaningOf(alert, shown)} (TLS alert: ${alert.toLowerCase().replaceAll('_', ' ')}).`,
    hint: hintOf(shown),
    proxyStatus: 'tls_alert_received',
    cause,
  })
}

/** What undici reports of a head that its parser did not accept, or accepted and could not use, where it has no reason of the parser. */
const INVALID_HEAD: ReadonlyMap<string, string> = new Map([
  ['UND_ERR_HEADERS_OVERFLOW', 'its head is larger than 64 KiB'],
  // Whatever is wrong in a head after a Content-Length.
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'a field of its head, perhaps its length, is not valid'],
  ['ERR_ASSERTION', 'its status is not valid'],
])

/**
 * @returns what is wrong with the response; undefined when it only ended too early.
 * SECURITY: the reasons of the parser are fixed texts of llhttp, for which undici has no code.
 */
function invalidity(error: unknown, code: string, phase: Phase): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (error.name === 'HTTPParserError') {
    const reason = /\(([ -~]{1,80})\)$/.exec(error.message)?.[1] ?? 'unknown'
    return reason.includes('EOF') ? undefined : reason
  }
  if (code === 'UND_ERR_SOCKET' && error.message === 'bad upgrade') return 'an upgrade that nobody asked for'
  return phase === 'waiting' ? INVALID_HEAD.get(code) : undefined
}

const REFUSED_HINT =
  'Check the port: one other than 443 stands behind the host in outbound-jwt.io/hosts. Is it right, then the partner is down, or a firewall rejects the call.'

function connectFailure(code: string, cause: unknown): ProxyError {
  if (DNS_CODES.has(code))
    return new ProxyError('upstream_dns_failed', { message: `The name does not resolve (${code}).`, cause })
  if (code.startsWith('UND_ERR_INVALID_ARG')) return new ProxyError('internal_error', { cause })
  if (code === 'ECONNREFUSED')
    return new ProxyError('upstream_connect_failed', {
      message:
        'No connection to the partner (ECONNREFUSED): nothing listens on this port there, or something between answers so.',
      hint: REFUSED_HINT,
      cause,
    })
  return new ProxyError('upstream_connect_failed', { message: `No connection to the partner (${code}).`, cause })
}

/** Whether an error's code is one of TLS. */
export const isTlsError = (code: string): boolean => TLS_CODE.test(code)

/** Whether an error's code says that a name does not resolve. */
export const isUnresolved = (code: string): boolean => DNS_CODES.has(code)

/** Whether the connection ended under the request, as it does when the partner gave up an idle one. */
export function isClosedConnection(error: unknown): boolean {
  return CLOSED_CODES.has(errorCode(error) ?? '')
}
