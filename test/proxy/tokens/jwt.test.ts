import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { readEvidence } from '../../../proxy/src/tokens/jwt.ts'
import { ISSUED_AT, ROLE, claimsOfAws, unsignedJwt } from '../../support/tokens/jwt.ts'

describe('reading a token', () => {
  it('gives the claims of AWS', () => {
    expect(readEvidence(unsignedJwt())).to.deep.equal({
      algorithm: 'RS256',
      issuer: 'https://issuer.example',
      subject: ROLE,
      audience: ['https://api.partner.example'],
      issuedAt: ISSUED_AT,
      expiresAt: ISSUED_AT + 900,
      jti: 'a-token-id',
      claims: claimsOfAws(),
    })
  })

  it('takes several audiences, and a token without an ID', () => {
    const { audience, jti } = readEvidence(unsignedJwt(claimsOfAws({ aud: ['a', 'b', 3], jti: undefined })))
    expect(audience).to.deep.equal(['a', 'b'])
    expect(jti).to.equal('')
  })

  const broken: Readonly<Record<string, readonly [string, string]>> = {
    'no text': ['', 'three base64url parts; this one has 1'],
    'two parts': ['eyJh.eyJi', 'this one has 2'],
    'four parts': ['a.b.c.d', 'this one has 4'],
    'an empty part': ['a..c', 'other characters'],
    'characters outside base64url': ['a.b+.c', 'other characters'],
    'a header that is no JSON': [unsignedJwt(claimsOfAws(), 'secret'), 'the header of the token is not a JSON object'],
    'a payload that is a list': [unsignedJwt([]), 'the payload of the token is not a JSON object'],
    'a payload that is null': [unsignedJwt('null'), 'the payload of the token is not a JSON object'],
    'a payload that is text': [unsignedJwt('"secret"'), 'the payload of the token is not a JSON object'],
    'no algorithm': [unsignedJwt(claimsOfAws(), {}), 'the token has no alg'],
    'no issuer': [unsignedJwt(claimsOfAws({ iss: undefined })), 'the token has no iss'],
    'an empty subject': [unsignedJwt(claimsOfAws({ sub: '' })), 'the token has no sub'],
    'an expiry that is text': [unsignedJwt(claimsOfAws({ exp: 'soon' })), 'the exp of the token is not a number'],
    'an endless expiry': [
      unsignedJwt(JSON.stringify(claimsOfAws({ exp: 0 })).replace('"exp":0', '"exp":1e999')),
      'the exp of the token is not a number',
    ],
    'no time of issue': [unsignedJwt(claimsOfAws({ iat: null })), 'the iat of the token is not a number'],
  }
  for (const [what, [jwt, message]] of Object.entries(broken))
    it(`refuses ${what}`, () => {
      expect(() => readEvidence(jwt)).to.throw(TypeError, message)
    })

  it('refuses what would break out of a header field, wherever it is', () => {
    for (const part of [0, 1, 2])
      for (const character of ['\r\n', '\n', ' ', 'é', '=']) {
        const parts = unsignedJwt().split('.')
        parts[part] = `${String(parts[part])}${character}`
        expect(() => readEvidence(parts.join('.'))).to.throw(TypeError, 'other characters')
      }
  })

  it('never quotes the token it refuses', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'X', '0', '-', '_', '.'), minLength: 12, maxLength: 60 })
    fc.assert(
      fc.property(text, (jwt) => {
        try {
          readEvidence(jwt)
        } catch (error) {
          expect(error).to.be.instanceOf(TypeError).and.not.have.property('cause')
          for (const part of jwt.split('.').filter(({ length }) => length >= 8))
            expect(String(error)).not.to.contain(part)
        }
      }),
    )
  })
})
