import { expect } from 'chai'
import { describe, it } from 'mocha'
import { upstreamFailure } from '../../../../proxy/src/http/outbound/failure.ts'

describe('what a client is told of a failed connection', () => {
  // As OpenSSL names them; RFC 8446 §6.2 has the list.
  const alerts: Readonly<Record<string, RegExp>> = {
    ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: /wants a client certificate, .*\(TLS alert: certificate required\)/,
    'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE': /\(TLS alert: handshake failure\)/,
    ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: /ended the TLS connection \(TLS alert: bad certificate\)/,
    ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: /\(TLS alert: unknown ca\)/,
    ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: /does not accept this client/,
    ERR_SSL_TLSV1_UNRECOGNIZED_NAME: /does not know this host/,
    ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR: /failed within TLS/,
  }
  for (const [code, message] of Object.entries(alerts))
    it(`is upstream_tls_failed, whenever ${code} comes`, () => {
      for (const phase of ['connecting', 'waiting', 'receiving'] as const) {
        const failure = upstreamFailure(Object.assign(new Error(code), { code }), phase)
        expect([failure.code, failure.row.retryable]).to.deep.equal(['upstream_tls_failed', false])
        expect(failure.message).to.match(message)
        expect(failure.hint).to.include('mTLS').and.include('clientCertificate')
      }
    })

  const failureOf = (code: string, problem?: string): ReturnType<typeof upstreamFailure> =>
    upstreamFailure(Object.assign(new Error(code), { code }), 'connecting', { problem })

  it('does not advise a private authority where a certificate is refused for its dates or its names', () => {
    const refusals = {
      CERT_HAS_EXPIRED: [/has expired \(CERT_HAS_EXPIRED\)\.$/, /^Tell the partner.*clock/],
      CERT_NOT_YET_VALID: [/is not valid yet/, /^Check the clock/],
      ERR_TLS_CERT_ALTNAME_INVALID: [/for other names than this host/, /DNS or hostAliases/],
    } as const
    for (const [code, [message, hint]] of Object.entries(refusals)) {
      const failure = failureOf(code)
      expect(failure.code).to.equal('upstream_tls_failed')
      expect(failure.message).to.match(message)
      expect(failure.hint).to.match(hint)
    }
    expect(failureOf('UNABLE_TO_VERIFY_LEAF_SIGNATURE').hint).to.match(/^For a private CA/)
  })

  it('names the client certificate of the route, where an alert is about a certificate', () => {
    for (const code of ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA']) {
      const failure = failureOf(code)
      expect(failure.message).to.match(
        /^The partner does not accept the client certificate of this route \(TLS alert: /,
      )
      expect(failure.hint).to.include('doctor shows the client certificate')
    }
    expect(failureOf('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION').message).to.match(/^The partner speaks neither/)
  })

  it('says what is wrong with that certificate, where it is known', () => {
    const { hint } = failureOf('ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', '/c/tls.crt expired on 2026-01-01')
    expect(hint).to.include('Renew the Secret').and.include('/c/tls.crt expired on 2026-01-01.')
  })
})
