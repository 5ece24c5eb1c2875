import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Outcome } from '../../../webhook/src/cli/outcome.ts'
import { run } from '../../../webhook/src/cli/run.ts'
import { NOWHERE } from '../../support/cli/files.ts'

const ISSUER = 'https://1234.tokens.sts.global.api.aws'
/** What AWS publishes (captured on 2026-09-11). */
const AWS = {
  claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'jti', 'https://sts.amazonaws.com/'],
  id_token_signing_alg_values_supported: ['RS256', 'ES384'],
  issuer: ISSUER,
  jwks_uri: `${ISSUER}/.well-known/jwks.json`,
  response_types_supported: ['id_token'],
  subject_types_supported: ['public'],
}
const KEYS = {
  keys: [
    { alg: 'RS256', kid: 'RSA_0', kty: 'RSA', use: 'sig' },
    { alg: 'ES384', kid: 'EC384_0', kty: 'EC', crv: 'P-384', use: 'sig' },
  ],
}

const discovery = async (
  documents: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ...args: readonly string[]
): Promise<Outcome> =>
  run(['discovery', ISSUER, ...args], {
    ...NOWHERE,
    fetchDocument: (url) => {
      const json = documents[url.slice(`${ISSUER}/.well-known/`.length)]
      return Promise.resolve(json ? { ok: true, json } : { ok: false, problem: 'status 404' })
    },
  })
const marked = (text: string, mark: string): readonly string[] =>
  text.split('\n').flatMap((line) => (line.startsWith(`  ${mark} `) ? [line.slice(4)] : []))

describe('discovery', () => {
  it("warns of what AWS's document lacks, and says whom that breaks", async () => {
    const { status, stdout, stderr } = await discovery({ 'openid-configuration': AWS, 'jwks.json': KEYS })
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
    expect(marked(stdout, '‼')).to.deep.equal([
      'authorization_endpoint is missing, which breaks Rust openidconnect, Ruby openid_connect, Microsoft Entra External ID as a login provider, Alibaba Cloud RAM',
      'token_endpoint is missing, which breaks Microsoft Entra External ID as a login provider',
    ])
    expect(marked(stdout, '√')).to.include.members([
      'the issuer in the document equals the iss of tokens and its own URL',
      'jwks_uri',
      `2 at ${ISSUER}/.well-known/jwks.json`,
    ])
    expect(stdout).to.contain(`by hand: ${ISSUER}/.well-known/jwks.json`)
  })

  it('fails when the issuers differ by a byte, when no keys are named, and when they cannot be read', async () => {
    const { status, stdout } = await discovery({
      'openid-configuration': { ...AWS, issuer: `${ISSUER}/`, jwks_uri: undefined },
    })
    expect(status).to.equal(1)
    const failures = marked(stdout, '×')
    expect(failures).to.have.lengthOf(3)
    expect(failures[0]).to.match(/^the document says https:.*aws\/, not https:.*aws; compared byte for byte by /)
    expect(failures[1]).to.match(/^jwks_uri is missing/)
    expect(failures[2]).to.match(/jwks\.json cannot be read: status 404$/)
    const empty = await discovery({ 'openid-configuration': AWS, 'jwks.json': { keys: [] } })
    expect(marked(empty.stdout, '×')).to.deep.equal([`no keys at ${ISSUER}/.well-known/jwks.json`])
  })

  it('names keys without alg', async () => {
    const keys = { keys: [{ kid: 'RSA_0', kty: 'RSA' }] }
    const { status, stdout } = await discovery({ 'openid-configuration': AWS, 'jwks.json': keys })
    expect(status).to.equal(0)
    expect(marked(stdout, '‼')).to.include('without alg, which some partners want: RSA_0')
  })

  it('prints findings as JSON for other tools', async () => {
    const { stdout } = await discovery({ 'openid-configuration': AWS, 'jwks.json': KEYS }, '-o', 'json')
    const findings = JSON.parse(stdout) as { readonly verdict: string }[]
    expect(findings.map(({ verdict }) => verdict)).to.include.members(['pass', 'warn'])
  })

  it('completes the document without touching what is there, and warns of strict partners', async () => {
    const { status, stdout, stderr } = await discovery({ 'openid-configuration': AWS }, '--complete')
    expect(status).to.equal(0)
    expect(JSON.parse(stdout)).to.deep.equal({
      ...AWS,
      authorization_endpoint: `${ISSUER}/not-offered/authorization`,
      token_endpoint: `${ISSUER}/not-offered/token`,
    })
    expect(stderr).to.match(/^outbound-jwt: warning: the issuer in the copy stays https:.*HashiCorp Vault/)
  })

  it('ends with 69 when nothing answers, and with 64 for what is no issuer', async () => {
    expect(await discovery({})).to.deep.equal({
      status: 69,
      stdout: '',
      stderr: `outbound-jwt: ${ISSUER}/.well-known/openid-configuration cannot be read: status 404\n`,
    })
    for (const issuer of ['1234', 'http://issuer.example', `${ISSUER}?a=b`, `${ISSUER}#a`, 'ftp://a.example'])
      expect(await run(['discovery', issuer], NOWHERE)).to.include({ status: 64, stdout: '' })
    expect(await discovery({}, '--complete', '-o', 'json')).to.include({ status: 64 })
  })
})
