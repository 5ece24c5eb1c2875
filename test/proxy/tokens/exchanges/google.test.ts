import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { GoogleExchange } from '../../../../proxy/src/contract.ts'
import { expandExchange } from '../../../../proxy/src/contract.ts'
import { exchangeAtGoogle } from '../../../../proxy/src/tokens/exchanges/google.ts'
import type { TokenFailure } from '../../../../proxy/src/tokens/failures.ts'
import type { FakeEndpoint } from '../../../support/tokens/endpoint.ts'
import { NOW_MS, SUBJECT, createFakeEndpoint } from '../../../support/tokens/endpoint.ts'
import { claimsOfAws, unsignedJwt } from '../../../support/tokens/jwt.ts'

const AUDIENCE = '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/aws'
const ACCOUNT = 'sa@p.iam.gserviceaccount.com'
const FEDERATED = { body: { access_token: 'ya29.federated', expires_in: 3_599, token_type: 'Bearer' } }
const expanded = (fields: Record<string, unknown> = {}): GoogleExchange =>
  expandExchange({ type: 'google', audience: AUDIENCE, ...fields }) as GoogleExchange
const impersonated = (expiresMs: unknown): FakeEndpoint =>
  createFakeEndpoint(FEDERATED, { body: { accessToken: 'ya29.result', expireTime: expiresMs } })
const at = (seconds: number): string => new Date(NOW_MS + seconds * 1000).toISOString().replace('.000Z', 'Z')

describe('the exchange at Google', () => {
  it('ends with the federated token where there is no service account', async () => {
    const endpoint = createFakeEndpoint(FEDERATED)
    const { value, expiresInMs } = await exchangeAtGoogle(expanded({ scopes: ['s1', 's2'] }), endpoint.tools)
    expect({ value, expiresInMs }).to.deep.equal({ value: 'ya29.federated', expiresInMs: 3_599_000 })
    const [request] = endpoint.requests
    expect(request?.url).to.equal('https://sts.googleapis.com/v1/token')
    expect(request?.headers).not.to.have.property('authorization')
    expect(Object.fromEntries(new URLSearchParams(request?.body))).to.deep.equal({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      audience: AUDIENCE,
      scope: 's1 s2',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      subject_token: SUBJECT,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    })
  })

  it('goes on to the access token of a service account', async () => {
    const endpoint = impersonated(at(1_800))
    const exchange = expanded({ serviceAccount: ACCOUNT, scopes: ['s1', 's2'], lifetimeSeconds: 1_800 })
    const { value, expiresInMs } = await exchangeAtGoogle(exchange, endpoint.tools)
    expect({ value, expiresInMs }).to.deep.equal({ value: 'ya29.result', expiresInMs: 1_800_000 })
    const [first, second] = endpoint.requests
    expect(new URLSearchParams(first?.body).get('scope')).to.equal('https://www.googleapis.com/auth/cloud-platform')
    expect(second?.url).to.equal(
      `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${ACCOUNT}:generateAccessToken`,
    )
    expect(second?.headers['authorization']).to.equal('Bearer ya29.federated')
    expect(JSON.parse(second?.body ?? '')).to.deep.equal({ scope: ['s1', 's2'], lifetime: '1800s' })
  })

  it('believes an end that is sooner than an hour, and none that is later or makes no sense', async () => {
    const lives: unknown[] = []
    for (const end of [at(900), at(90_000), at(-900), 'soon', undefined])
      lives.push((await exchangeAtGoogle(expanded({ serviceAccount: ACCOUNT }), impersonated(end).tools)).expiresInMs)
    expect(lives).to.deep.equal([900_000, 3_600_000, 3_600_000, 3_600_000, 3_600_000])
  })

  it('goes on to the ID token of a service account, which says itself how long it lives', async () => {
    const jwt = unsignedJwt(claimsOfAws({ iat: 1_000, exp: 4_600 }))
    const endpoint = createFakeEndpoint(FEDERATED, { body: { token: jwt } })
    const exchange = expanded({ serviceAccount: ACCOUNT, tokenKind: 'id', targetAudience: 'https://run.example' })
    const { value, expiresInMs } = await exchangeAtGoogle(exchange, endpoint.tools)
    expect({ value, expiresInMs }).to.deep.equal({ value: jwt, expiresInMs: 3_600_000 })
    const [, second] = endpoint.requests
    expect(second?.url).to.match(/sa@p\.iam\.gserviceaccount\.com:generateIdToken$/)
    expect(JSON.parse(second?.body ?? '')).to.deep.equal({ audience: 'https://run.example', includeEmail: true })
  })

  it('fails with the words of the call that failed', async () => {
    const denied = { error: { code: 403, status: 'PERMISSION_DENIED', message: 'iam.serviceAccounts.getAccessToken' } }
    const endpoint = createFakeEndpoint(FEDERATED, { status: 403, body: denied })
    const failure = await exchangeAtGoogle(expanded({ serviceAccount: ACCOUNT }), endpoint.tools).catch(
      (error: unknown) => error as TokenFailure,
    )
    expect(failure).to.include({
      reason: 'exchange_denied',
      message: 'HTTP 403, PERMISSION_DENIED: iam.serviceAccounts.getAccessToken',
    })
  })
})
