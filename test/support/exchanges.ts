import { expect } from 'chai'
import type { Problem, Route } from '../../proxy/src/contract.ts'
import { describeProblem, parseRoutes } from '../../proxy/src/contract.ts'

export const PROVIDER = '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/aws'
export const UUID = '11111111-2222-3333-4444-555555555555'
export const ROLE = 'arn:aws:iam::123456789012:role/orders'
export const TOKEN_URL = 'https://sso.example/token'
export const OAUTH2 = { type: 'oauth2', tokenUrl: TOKEN_URL, grant: 'token-exchange' }

/** The least that each preset can be written with. */
export const LEAST: Readonly<Record<string, object>> = {
  entra: { tenantId: 'contoso.example', clientId: UUID, scope: 'https://graph.microsoft.com/.default' },
  databricks: { accountId: UUID },
  forgerock: { tokenUrl: 'https://am.example:443/am/oauth2/access_token', clientId: ROLE },
  keycloak: { issuer: 'https://sso.example/realms/shop' },
  openai: { identityProviderId: 'idp_1', serviceAccountId: 'sa_1' },
  anthropic: { federationRuleId: 'fdrl_1', organizationId: UUID, serviceAccountId: 'svac_1' },
  tailscale: { clientId: 'T1' },
  openrouter: { federationPolicyId: 'p1' },
}

/** Parses the only route of ROUTES. */
export function parseRoute(fields: object): { route: Route | undefined; complaints: string[] } {
  const problems: Problem[] = []
  const [route] = parseRoutes(JSON.stringify([{ hosts: ['a.example'], ...fields }]), 'ROUTES', (problem) =>
    problems.push(problem),
  )
  return { route, complaints: problems.map(describeProblem) }
}

export function routeOf(fields: object): Route {
  const { route, complaints } = parseRoute(fields)
  expect(complaints).to.deep.equal([])
  return route ?? expect.fail('no route')
}

export const preset = (name: string, more: object = {}): object => ({ preset: name, ...LEAST[name], ...more })
