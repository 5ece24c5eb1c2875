import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { ExpandedExchange, Preset } from '../../../proxy/src/contract.ts'
import { PRESETS, PRESET_NAMES, expandExchange, formatRoutes, parseRoutes } from '../../../proxy/src/contract.ts'
import { OAUTH2, PROVIDER, ROLE, UUID, LEAST, preset, routeOf } from '../../support/exchanges.ts'

function expanded(exchange: object): ExpandedExchange {
  const route = routeOf({ exchange, audience: ['a'] })
  return expandExchange(route.exchange ?? expect.fail('no exchange'))
}

describe('an exchange of ROUTES', () => {
  it('of type oauth2 has the defaults of its grant', () => {
    expect(expanded(OAUTH2)).to.deep.equal({
      ...OAUTH2,
      clientAuth: 'none',
      subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt',
      params: {},
      headers: {},
      body: 'form',
    })
    expect(expanded({ ...OAUTH2, grant: 'client-credentials' })).to.include({ clientAuth: 'assertion' })
    expect(expanded({ ...OAUTH2, grant: 'client-credentials' })).not.to.have.property('subjectTokenType')
    const withSecret = { ...OAUTH2, grant: 'jwt-bearer', clientId: 'c', clientSecretFile: '/s' }
    expect(expanded(withSecret)).to.include({ clientAuth: 'basic' })
  })

  it('of type google asks for the scope of its libraries, and its tokens are for the provider', () => {
    const exchange = { type: 'google', audience: PROVIDER }
    expect(expanded(exchange)).to.deep.equal({
      ...exchange,
      scopes: ['https://www.googleapis.com/auth/cloud-platform'],
      tokenKind: 'access',
    })
    expect(routeOf({ exchange })).to.deep.include({ audience: [`https:${PROVIDER}`], durationSeconds: 300 })
  })

  it('of type vault is sent in the header of Vault', () => {
    const exchange = { type: 'vault', address: 'https://vault.example:8200', role: 'orders' }
    expect(expanded(exchange)).to.deep.equal({ ...exchange, mount: 'jwt' })
    const route = routeOf({ exchange, audience: ['vault'] })
    expect(route).to.deep.include({ header: { name: 'X-Vault-Token', scheme: '' }, durationSeconds: 300 })
  })

  it('reads back what it writes, and writes no default of an exchange', () => {
    const exchanges = [
      ...PRESET_NAMES.map((name) => preset(name)),
      { ...OAUTH2, params: { a: 'b' }, headers: { 'X-A': 'b' } },
      { type: 'google', audience: PROVIDER },
      { type: 'vault', address: 'https://vault.example', role: 'r' },
    ]
    for (const exchange of exchanges) {
      const fields = [{ hosts: ['a.example'], audience: ['chosen'], exchange }]
      const text = formatRoutes(parseRoutes(JSON.stringify(fields), 'ROUTES', ({ where }) => expect.fail(where)))
      expect(JSON.parse(text)).to.deep.equal(fields)
    }
    const google = { hosts: ['a.example'], exchange: { type: 'google', audience: PROVIDER } }
    expect(JSON.parse(formatRoutes([routeOf(google)]))).to.deep.equal([google])
  })
})

describe('a preset', () => {
  for (const name of PRESET_NAMES) {
    it(`is complete with its required parameters: ${name}`, () => {
      const row: Preset = PRESETS[name]
      const required = Object.entries(row.parameters).filter(([, field]) => field.required)
      for (const [parameter] of required) expect(LEAST[name]).to.have.property(parameter)
      const call = expanded(preset(name))
      expect(call).to.include({ type: 'oauth2', grant: row.grant, body: row.body })
      expect((call as { tokenUrl: string }).tokenUrl).to.match(/^https:\/\/[^{}]+$/)
      expect(JSON.stringify(call)).not.to.match(/[{]\w+[}]/)
    })

    it(`names pages of the vendor: ${name}`, () => {
      for (const source of PRESETS[name].sources) expect(source).to.match(/^https:\/\//)
    })
  }

  const calls: Readonly<Record<string, object>> = {
    entra: {
      tokenUrl: 'https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token',
      clientId: UUID,
      clientAuth: 'assertion',
      scope: 'https://graph.microsoft.com/.default',
      params: {},
      headers: {},
    },
    databricks: {
      tokenUrl: `https://accounts.cloud.databricks.com/oidc/accounts/${UUID}/v1/token`,
      clientAuth: 'none',
      scope: 'all-apis',
      subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt',
      params: {},
      headers: {},
    },
    forgerock: {
      tokenUrl: 'https://am.example:443/am/oauth2/access_token',
      clientAuth: 'assertion',
      clientId: ROLE,
      params: {},
      headers: {},
    },
    keycloak: {
      tokenUrl: 'https://sso.example/realms/shop/protocol/openid-connect/token',
      clientAuth: 'assertion',
      params: {},
      headers: {},
    },
    openai: {
      tokenUrl: 'https://auth.openai.com/oauth/token',
      clientAuth: 'none',
      subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt',
      params: { identity_provider_id: 'idp_1', service_account_id: 'sa_1' },
      headers: {},
    },
    anthropic: {
      tokenUrl: 'https://api.anthropic.com/v1/oauth/token',
      clientAuth: 'none',
      params: { federation_rule_id: 'fdrl_1', organization_id: UUID, service_account_id: 'svac_1' },
      headers: { 'anthropic-beta': 'oauth-2025-04-20,oidc-federation-2026-04-01' },
    },
    tailscale: {
      tokenUrl: 'https://api.tailscale.com/api/v2/oauth/token-exchange',
      clientAuth: 'none',
      clientId: 'T1',
      params: {},
      headers: {},
    },
    openrouter: {
      tokenUrl: 'https://openrouter.ai/api/v1/oauth/token',
      clientAuth: 'none',
      subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt',
      params: { federation_policy_id: 'p1' },
      headers: {},
    },
  }
  for (const [name, call] of Object.entries(calls)) {
    it(`calls what its vendor documents, and sends nothing else: ${name}`, () => {
      const { grant, body } = PRESETS[name as keyof typeof PRESETS]
      expect(expanded(preset(name))).to.deep.equal({ type: 'oauth2', grant, body, ...call })
    })
  }

  const defaults: Readonly<Record<string, [string, number]>> = {
    entra: ['api://AzureADTokenExchange', 300],
    databricks: [UUID, 3600],
    forgerock: ['https://am.example:443/am/oauth2/access_token', 600],
    keycloak: ['https://sso.example/realms/shop', 300],
    openai: ['https://api.openai.com/v1', 900],
    anthropic: ['https://api.anthropic.com', 1800],
    tailscale: ['api.tailscale.com/T1', 300],
  }
  for (const [name, [audience, durationSeconds]] of Object.entries(defaults)) {
    it(`has the audience and the life that its partner wants: ${name}`, () => {
      expect(routeOf({ exchange: preset(name) })).to.deep.include({ audience: [audience], durationSeconds })
    })
  }

  it('of Databricks asks the workspace, and of forgerock authenticates a client for jwt-bearer', () => {
    expect(expanded({ preset: 'databricks', host: 'dbc-1.cloud.databricks.com', clientId: 'c' })).to.include({
      tokenUrl: 'https://dbc-1.cloud.databricks.com/oidc/v1/token',
      clientId: 'c',
    })
    const secret = { grant: 'jwt-bearer', clientAuth: 'post', clientSecretFile: '/s' }
    expect(expanded(preset('forgerock', secret))).to.include({ ...secret, clientId: ROLE })
  })
})
