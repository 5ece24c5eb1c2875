import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Document } from '../../../proxy/src/doctor/fetch.ts'
import { configurationUrl, discoveryFinding, jwksFinding, jwksUrl } from '../../../proxy/src/doctor/issuer-findings.ts'
import { REQUIRED_MEMBERS } from '../../../proxy/src/doctor/requirements.ts'

const ISSUER = 'https://u.tokens.sts.global.api.aws'
const KEYS = `${ISSUER}/.well-known/jwks.json`

/** As AWS published it in 2026. */
const CONFIGURATION = {
  issuer: ISSUER,
  jwks_uri: KEYS,
  claims_supported: ['sub'],
  id_token_signing_alg_values_supported: ['RS256', 'ES384'],
  response_types_supported: ['id_token'],
  subject_types_supported: ['public'],
}
const document = (json: Record<string, unknown>): Document => ({ ok: true, json })

describe('doctor on the configuration of the issuer', () => {
  it('is where OpenID Connect Discovery says', () => {
    expect(configurationUrl(ISSUER)).to.equal(`${ISSUER}/.well-known/openid-configuration`)
    expect(configurationUrl(`${ISSUER}/`)).to.equal(`${ISSUER}/.well-known/openid-configuration`)
  })

  it('names what AWS leaves out, whom that breaks, and how to do without', () => {
    const finding = discoveryFinding(ISSUER, document(CONFIGURATION))
    expect(finding.verdict).to.equal('pass')
    expect(finding.found).to.match(/authorization_endpoint \(refused by Rust openidconnect, Ruby.*token_endpoint/)
    expect(finding.found).not.to.contain('response_types_supported')
    expect(finding.found).to.contain(KEYS)
  })

  it('names what AWS left out in 2025, too', () => {
    const of2025 = { ...CONFIGURATION, response_types_supported: undefined }
    expect(discoveryFinding(ISSUER, document(of2025)).found).to.contain('response_types_supported')
  })

  it('passes a complete one', () => {
    const complete = Object.fromEntries(Object.keys(REQUIRED_MEMBERS).map((member) => [member, ISSUER]))
    expect(discoveryFinding(ISSUER, document(complete)).verdict).to.equal('pass')
  })

  it('fails one that nobody can use', () => {
    expect(discoveryFinding(ISSUER, document({ ...CONFIGURATION, jwks_uri: undefined })).verdict).to.equal('fail')
  })

  for (const published of [`${ISSUER}/`, ISSUER.toUpperCase(), null, 3])
    it(`fails when its issuer is ${JSON.stringify(published)}, not the iss byte for byte`, () => {
      const finding = discoveryFinding(ISSUER, document({ ...CONFIGURATION, issuer: published }))
      expect(finding.verdict).to.equal('fail')
      expect(finding.found).to.contain('go-oidc').and.to.contain(JSON.stringify(published))
    })

  it('only warns when this pod cannot read it: partners read it', () => {
    const finding = discoveryFinding(ISSUER, { ok: false, problem: 'ECONNREFUSED' })
    expect(finding.verdict).to.equal('warn')
    expect(finding.found).to.contain('ECONNREFUSED')
    expect(finding.fix).to.contain(`curl -i ${ISSUER}/.well-known/openid-configuration`)
  })
})

describe('doctor on the keys of the issuer', () => {
  const key = { kty: 'RSA', kid: 'RSA_0', alg: 'RS256' }

  it('takes them from the configuration, or from where AWS has them', () => {
    const elsewhere = 'https://elsewhere.example/keys'
    expect(jwksUrl(ISSUER, document({ jwks_uri: elsewhere }))).to.equal(elsewhere)
    expect(jwksUrl(`${ISSUER}/`, document({ jwks_uri: 3 }))).to.equal(KEYS)
    expect(jwksUrl(ISSUER, { ok: false, problem: 'x' })).to.equal(KEYS)
  })

  it('passes when the token verifies', () => {
    expect(jwksFinding(KEYS, document({ keys: [key, key] }), undefined)).to.include({
      verdict: 'pass',
      found: `The token verifies with one of 2 keys at ${KEYS}`,
    })
  })

  it('warns of keys that do not name their algorithm, as in 2025', () => {
    const finding = jwksFinding(KEYS, document({ keys: [key, { kty: 'RSA' }, 3] }), undefined)
    expect(finding.verdict).to.equal('warn')
    expect(finding.found).to.contain('2 of them do not name their alg')
  })

  it('fails when the token does not verify', () => {
    expect(jwksFinding(KEYS, document({ keys: 'none' }), 'no applicable key')).to.include({ verdict: 'fail' })
  })

  it('only warns when this pod cannot read them', () => {
    expect(jwksFinding(KEYS, { ok: false, problem: 'status 503' }, 'x')).to.include({ id: 'jwks', verdict: 'warn' })
  })
})
