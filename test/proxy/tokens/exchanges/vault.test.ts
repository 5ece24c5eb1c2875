import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { VaultExchange } from '../../../../proxy/src/contract.ts'
import { exchangeAtVault } from '../../../../proxy/src/tokens/exchanges/vault.ts'
import type { TokenFailure } from '../../../../proxy/src/tokens/failures.ts'
import { SUBJECT, createFakeEndpoint } from '../../../support/tokens/endpoint.ts'

const VAULT: VaultExchange = { type: 'vault', address: 'https://vault.example:8200', mount: 'jwt/aws', role: 'orders' }
const auth = (fields: Record<string, unknown> = {}): object => ({
  body: { auth: { client_token: 'hvs.result', lease_duration: 1_200, renewable: true, num_uses: 0, ...fields } },
})

describe('the login at Vault', () => {
  it('sends role and token, and takes the token of the client', async () => {
    const endpoint = createFakeEndpoint(auth())
    const { value, expiresInMs } = await exchangeAtVault({ ...VAULT, namespace: 'team/a' }, endpoint.tools)
    expect({ value, expiresInMs }).to.deep.equal({ value: 'hvs.result', expiresInMs: 1_200_000 })
    const [request] = endpoint.requests
    expect(request?.url).to.equal('https://vault.example:8200/v1/auth/jwt/aws/login')
    expect(request?.headers).to.deep.equal({
      accept: 'application/json',
      'content-type': 'application/json',
      'x-vault-namespace': 'team/a',
    })
    expect(JSON.parse(request?.body ?? '')).to.deep.equal({ role: 'orders', jwt: SUBJECT })
  })

  it('takes a token that does not end for 300 s', async () => {
    const { expiresInMs } = await exchangeAtVault(VAULT, createFakeEndpoint(auth({ lease_duration: 0 })).tools)
    expect(expiresInMs).to.equal(300_000)
  })

  it('refuses a token for a number of uses, and an answer without auth', async () => {
    for (const answer of [auth({ num_uses: 5 }), { body: { data: {} } }, { body: { auth: {} } }]) {
      const failure = await exchangeAtVault(VAULT, createFakeEndpoint(answer).tools).catch((error: unknown) => error)
      expect((failure as TokenFailure).reason).to.equal('unusable_answer')
    }
  })
})
