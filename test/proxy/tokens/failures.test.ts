import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { FailureReason } from '../../../proxy/src/tokens/failures.ts'
import { ProxyError } from '../../../proxy/src/errors.ts'
import { FAILURES, TokenFailure, egressFailure, toProxyError } from '../../../proxy/src/tokens/failures.ts'

const reasons = Object.keys(FAILURES) as FailureReason[]

describe('the table of failures', () => {
  it('answers 502 to what a person must change, and 503 or 504 to what passes by itself', () => {
    for (const reason of reasons) {
      const failure = new TokenFailure(reason)
      const { status, retryable } = toProxyError(failure).row
      expect(status, reason).to.be.oneOf(failure.row.class === 'config' ? [502] : [503, 504])
      expect(retryable, reason).to.equal(failure.row.class !== 'config')
    }
  })

  it('says in whole sentences what is wrong and what to do', () => {
    for (const { meaning, hint } of Object.values(FAILURES)) {
      expect(meaning).to.match(/^[A-Z].*\.$/)
      expect(hint).to.match(/^[A-Z].{20,}(?:\.|443|mjs)$/)
    }
  })
})

describe('an egress proxy that gives no connection to STS or to a token endpoint', () => {
  it('is a reason of its own, with the code that says what it answered', () => {
    const failure = egressFailure(new ProxyError('egress_proxy_denied', { message: 'It answers 403.' }))
    expect(failure).to.include({ reason: 'egress_proxy_failed', message: 'egress_proxy_denied: It answers 403.' })
    expect(toProxyError(failure!).code).to.equal('token_unavailable')
    for (const other of [new ProxyError('upstream_dns_failed'), new Error('egress_proxy_denied'), undefined])
      expect(egressFailure(other)).to.equal(undefined)
  })
})

describe('what the client of the proxy is told', () => {
  it('is the meaning and the hint, never the words of AWS', () => {
    const error = toProxyError(new TokenFailure('access_denied', 'User: arn:aws:sts::123456789012:assumed-role/r/s …'))
    expect(error.code).to.equal('token_denied')
    expect(error.message).to.equal(FAILURES.access_denied.meaning)
    expect(error.hint).to.equal(FAILURES.access_denied.hint)
    expect(error.retryAfterSeconds).to.equal(undefined)
  })

  it('includes when to come back, in whole seconds, at least one', () => {
    const failure = new TokenFailure('throttled')
    expect([-5, 0, 1, 1_001].map((ms) => toProxyError(failure, ms).retryAfterSeconds)).to.deep.equal([1, 1, 1, 2])
  })
})
