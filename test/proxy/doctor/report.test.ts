import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Finding } from '../../../proxy/src/doctor/report.ts'
import { createReport, renderText } from '../../../proxy/src/doctor/report.ts'

const FINDINGS: readonly Finding[] = [
  { id: 'region', verdict: 'pass', found: 'eu-central-1, from AWS_REGION' },
  { id: 'token', subject: 'orders', verdict: 'fail', found: 'IAM refuses.', fix: 'Allow it.', reason: 'access_denied' },
  { id: 'token', subject: 'bills', verdict: 'pass', found: 'RS256', claims: { sub: 'a role' } },
  { id: 'jwks', verdict: 'warn', found: 'No alg.', fix: 'Add it.' },
]

describe('the report of doctor', () => {
  it('is as bad as its worst finding; what was skipped does not count', () => {
    const verdict = (...verdicts: readonly Finding['verdict'][]): string =>
      createReport(
        '1',
        verdicts.map((given) => ({ id: 'sts', verdict: given, found: '' })),
      ).verdict
    expect(verdict('pass', 'skip')).to.equal('pass')
    expect(verdict('pass', 'warn')).to.equal('warn')
    expect(verdict('warn', 'fail')).to.equal('fail')
    expect(verdict()).to.equal('pass')
  })

  it('shows what a partner wrote into a token as text, so that no terminal obeys it', () => {
    const claims = { sub: '\u001b]0;title\u0007', iss: '\u009b2J\u202e' }
    const found = 'issuer https://a\u001b[2Jb\r\nFAIL  forged'
    const text = renderText(createReport('1', [{ id: 'registration', verdict: 'pass', found, claims }]))
    expect(text).to.match(/^[\x20-\x7e\n]*$/)
    expect(text.split('\n')).to.have.length(4)
    expect(text).to.include('a\\u001b[2Jb\\u000d\\u000aFAIL  forged')
  })

  it('is a line per finding for people, with its fix and its claims below', () => {
    expect(renderText(createReport('0.1.0', FINDINGS))).to.equal(
      [
        'aws-outbound-jwt-proxy 0.1.0: FAIL',
        'pass  region       eu-central-1, from AWS_REGION',
        'FAIL  token        orders: IAM refuses.',
        '      fix: Allow it.',
        'pass  token        bills: RS256',
        '      claims: {"sub":"a role"}',
        'warn  jwks         No alg.',
        '      fix: Add it.',
        '',
      ].join('\n'),
    )
  })
})
