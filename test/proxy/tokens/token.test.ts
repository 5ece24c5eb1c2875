import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readEvidence } from '../../../proxy/src/tokens/jwt.ts'
import { clockSkewMs, describeSizes } from '../../../proxy/src/tokens/token.ts'
import { ISSUED_AT, claimsOfAws, unsignedJwt } from '../../support/tokens/jwt.ts'

describe('what makes a token large', () => {
  it('is named with its size, largest first, and without its value', () => {
    const claims = readEvidence(
      unsignedJwt(
        claimsOfAws({
          aud: ['x'.repeat(300)],
          'https://sts.amazonaws.com/': { principal_tags: { team: 'y'.repeat(900) }, ou_path: ['o'] },
        }),
      ),
    )
    expect(describeSizes(claims)).to.equal('principal_tags 911, aud 304 characters')
  })

  it('may be nothing in particular', () => {
    expect(describeSizes(readEvidence(unsignedJwt()))).to.equal('no claim is large')
    expect(describeSizes(readEvidence(unsignedJwt(claimsOfAws({ 'https://sts.amazonaws.com/': null }))))).to.equal(
      'no claim is large',
    )
  })
})

describe('the clock of an issuer', () => {
  it('is ahead of this machine where a token was issued after it arrived', () => {
    const evidence = readEvidence(unsignedJwt())
    expect(clockSkewMs(evidence, ISSUED_AT * 1000 - 42_000)).to.equal(42_000)
    expect(clockSkewMs(evidence, ISSUED_AT * 1000 + 500)).to.equal(-500)
  })
})
