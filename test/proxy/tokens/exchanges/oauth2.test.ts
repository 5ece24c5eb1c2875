import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Exchange, OAuth2Exchange } from '../../../../proxy/src/contract.ts'
import { expandExchange } from '../../../../proxy/src/contract.ts'
import type { EndpointRequest } from '../../../../proxy/src/tokens/exchanges/endpoint.ts'
import { exchangeAtOAuth2 } from '../../../../proxy/src/tokens/exchanges/oauth2.ts'
import type { TokenFailure } from '../../../../proxy/src/tokens/failures.ts'
import { SECRET, SUBJECT, createFakeEndpoint } from '../../../support/tokens/endpoint.ts'

const URL = 'https://as.example/token?tenant=1'
const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt'

function expanded(exchange: Record<string, unknown>): OAuth2Exchange {
  return expandExchange({ type: 'oauth2', tokenUrl: URL, ...exchange } as Exchange) as OAuth2Exchange
}

async function sent(exchange: OAuth2Exchange): Promise<EndpointRequest> {
  const endpoint = createFakeEndpoint({ body: { access_token: 'result' } })
  expect((await exchangeAtOAuth2(exchange, endpoint.tools)).value).to.equal('result')
  expect(endpoint.requests).to.have.lengthOf(1)
  return endpoint.requests[0]!
}

const form = ({ body }: EndpointRequest): Record<string, string> => Object.fromEntries(new URLSearchParams(body))

describe('a call of an OAuth 2.0 token endpoint', () => {
  it('sends a token exchange and nothing that is not configured', async () => {
    const request = await sent(expanded({ grant: 'token-exchange' }))
    expect(request.url).to.equal(URL)
    expect(request.headers).to.deep.equal({
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
    })
    expect(form(request)).to.deep.equal({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: SUBJECT,
      subject_token_type: JWT_TYPE,
    })
  })

  it('sends every field of a token exchange that is configured', async () => {
    const request = await sent(
      expanded({
        grant: 'token-exchange',
        clientId: 'client',
        scope: 'a b',
        audience: 'aud',
        resource: 'https://r.example',
        subjectTokenType: 'urn:x:subject',
        requestedTokenType: 'urn:x:requested',
        params: { assume_group: 'g' },
        headers: { 'X-Beta': 'one' },
        caFile: '/ca.crt',
      }),
    )
    expect(request.headers).to.include({ 'x-beta': 'one' })
    expect(request.caFile).to.equal('/ca.crt')
    expect(form(request)).to.deep.equal({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      client_id: 'client',
      subject_token: SUBJECT,
      subject_token_type: 'urn:x:subject',
      requested_token_type: 'urn:x:requested',
      scope: 'a b',
      audience: 'aud',
      resource: 'https://r.example',
      assume_group: 'g',
    })
  })

  it('sends the token as authorization grant, and the secret of the client in the header', async () => {
    const request = await sent(
      expanded({ grant: 'jwt-bearer', clientId: 'a:b', clientAuth: 'basic', clientSecretFile: '/secret' }),
    )
    expect(form(request)).to.deep.equal({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: SUBJECT,
    })
    // RFC 6749 §2.3.1: both are form-encoded first.
    const credentials = Buffer.from('a%3Ab:p%26ss+w0rd').toString('base64')
    expect(request.headers['authorization']).to.equal(`Basic ${credentials}`)
  })

  it('sends the secret of the client in the body', async () => {
    const request = await sent(
      expanded({ grant: 'jwt-bearer', clientId: 'client', clientAuth: 'post', clientSecretFile: '/secret' }),
    )
    expect(form(request)).to.include({ client_id: 'client', client_secret: SECRET })
    expect(request.headers).not.to.have.property('authorization')
  })

  it('sends the token as assertion of the client', async () => {
    const request = await sent(expanded({ grant: 'client-credentials', clientId: 'client', scope: 's' }))
    expect(form(request)).to.deep.equal({
      grant_type: 'client_credentials',
      client_id: 'client',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: SUBJECT,
      scope: 's',
    })
  })

  it('sends JSON where the vendor wants that', async () => {
    const request = await sent(
      expandExchange({ preset: 'openai', identityProviderId: 'idp', serviceAccountId: 'sa' }) as OAuth2Exchange,
    )
    expect(request.headers['content-type']).to.equal('application/json')
    expect(JSON.parse(request.body)).to.deep.equal({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: SUBJECT,
      subject_token_type: JWT_TYPE,
      identity_provider_id: 'idp',
      service_account_id: 'sa',
    })
  })

  it("sends Tailscale's own form", async () => {
    const request = await sent(expandExchange({ preset: 'tailscale', clientId: 'client' }) as OAuth2Exchange)
    expect(form(request)).to.deep.equal({ client_id: 'client', jwt: SUBJECT })
  })

  it('refuses a token that is of use only to who has its key', async () => {
    for (const type of ['DPoP', 'pop', 'MAC']) {
      const endpoint = createFakeEndpoint({ body: { access_token: 'result', token_type: type, expires_in: 60 } })
      const failure = await exchangeAtOAuth2(expanded({ grant: 'token-exchange' }), endpoint.tools).catch(
        (error: unknown) => error as TokenFailure,
      )
      expect(failure).to.include({ reason: 'unusable_answer' })
      expect((failure as TokenFailure).message).to.include(`of type ${type}`)
    }
  })

  it('takes answers without a token type, and with any other', async () => {
    for (const type of [undefined, 'N_A', 'bearer', 'Bearer', 'BearerToken', 7]) {
      const endpoint = createFakeEndpoint({ body: { access_token: 'result', token_type: type, expires_in: 60 } })
      const { expiresInMs } = await exchangeAtOAuth2(expanded({ grant: 'token-exchange' }), endpoint.tools)
      expect(expiresInMs).to.equal(60_000)
    }
  })

  it('repeats neither token nor secret of what the partner echoes', async () => {
    const basic = Buffer.from('client:p&ss w0rd').toString('base64')
    const endpoint = createFakeEndpoint({
      status: 401,
      body: {
        error: 'invalid_client',
        error_description: `${SUBJECT} ${SECRET} ${encodeURIComponent(SECRET)} ${basic}`,
      },
    })
    const exchange = expanded({ grant: 'jwt-bearer', clientId: 'client', clientAuth: 'post', clientSecretFile: '/s' })
    const failure = await exchangeAtOAuth2(exchange, endpoint.tools).catch((error: unknown) => error as TokenFailure)
    expect(failure).to.include({ reason: 'invalid_client' })
    expect((failure as TokenFailure).message).to.equal(
      'HTTP 401, invalid_client: [redacted] [redacted] [redacted] [redacted]',
    )
  })

  it('repeats no secret that the partner echoes as it was sent: in a form, in a header, and decoded from that', async () => {
    const echoOf = async (clientAuth: string): Promise<readonly [OAuth2Exchange, EndpointRequest]> => {
      const exchange = expanded({ grant: 'jwt-bearer', clientId: 'client', clientAuth, clientSecretFile: '/s' })
      return [exchange, await sent(exchange)]
    }
    const [byPost, { body }] = await echoOf('post')
    const [byBasic, { headers }] = await echoOf('basic')
    const credentials = (headers['authorization'] ?? '').replace('Basic ', '')
    for (const [exchange, echo] of [
      [byPost, body.replace(/^.*&/, '')],
      [byBasic, credentials],
      [byBasic, atob(credentials)],
    ] as const) {
      const endpoint = createFakeEndpoint({ status: 400, body: { error: 'e', error_description: echo } })
      const failure = await exchangeAtOAuth2(exchange, endpoint.tools).catch(String)
      expect(failure, echo).to.match(/^TokenFailure: HTTP 400, e: .*\[redacted\]$/)
    }
  })
})
