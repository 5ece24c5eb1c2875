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
        expect(failure.hint).to.include('mTLS')
      }
    })
})
