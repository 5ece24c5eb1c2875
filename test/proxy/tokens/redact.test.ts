import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { redact } from '../../../proxy/src/tokens/redact.ts'

const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzb3VyY2UifQ.c291cmNl'

describe('the words of another server', () => {
  it('lose what looks like a token or a key, and keep the rest', () => {
    for (const secret of [
      JWT,
      JWT.slice(0, 30),
      'AKIAIOSFODNN7EXAMPLE',
      'ya29.a0AfH6SMBx-y',
      'sk-ant-oat01-abc_def',
      'hvs.CAESIJlmno',
      'Bearer opaque-token-1',
      'Basic dXNlcjpwYXNz',
      'Zm9vYmFyMTIzNDU2Nzg5MEFCQ0RFRkdISUpLTE1OT1BR',
    ])
      expect(redact(`before ${secret} after`, 200), secret).to.equal('before [redacted] after')
    const usual = 'AADSTS700213: No matching federated identity record found for presented assertion subject.'
    expect(redact(usual, 200)).to.equal(usual)
    expect(redact('arn:aws:sts::123456789012:assumed-role/a-role/a-session', 200)).to.contain('a-role/a-session')
  })

  it('lose what was sent, whatever it looks like', () => {
    expect(redact('you sent hunter2 and pw', 200, ['hunter2', 'pw', ''])).to.equal('you sent [redacted] and [redacted]')
  })

  it('lose it before they are cut, so that no half of it is left', () => {
    expect(redact(`${'x'.repeat(190)} ${JWT}`, 200)).to.not.match(/eyJ/)
    expect(redact(`${'x'.repeat(195)} hunter2hunter2`, 200, ['hunter2hunter2'])).to.not.contain('hunt')
    const long = 'hunter-'.repeat(200)
    expect(redact(`${long} ${long} ${long}`, 200, [long])).to.equal('[redacted] [redacted] [redacted]')
  })

  it('become one line of visible characters of bounded length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(redact(text, 50)).to.match(/^[\x20-\x7e]{0,50}$/)
      }),
    )
  })
})
