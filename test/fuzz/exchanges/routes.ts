// Every way in which a token is exchanged, each as a route whose calls are told apart by the number of its slot.
import type { RawCall } from '../raw/server.ts'

/** Google's endpoints are where they are; the tests lead their names here. */
export const GOOGLE_HOSTS = ['sts.googleapis.com', 'iamcredentials.googleapis.com']
export const ENDPOINT_HOST = 'login.partner.example'
const UUID = '11111111-2222-3333-4444-555555555555'

/** What the exchange of a slot may be made of. */
export interface Slot {
  readonly number: number
  /** Of a token endpoint, and of a server that has several. */
  readonly tokenUrl: string
  readonly base: string
  readonly secretFile: string
}

const oauth2 = (fields: (slot: Slot) => object) => (slot: Slot) => ({
  type: 'oauth2',
  tokenUrl: slot.tokenUrl,
  clientId: 'orders',
  ...fields(slot),
})
const google = (fields: (slot: Slot) => object) => (slot: Slot) => ({
  type: 'google',
  audience: `//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/slot${slot.number}-pool/providers/aws`,
  ...fields(slot),
})
const account = ({ number }: Slot): object => ({ serviceAccount: `slot${number}-orders@p.iam.gserviceaccount.com` })
const preset = (name: string, parameters: object) => (slot: Slot) => ({
  preset: name,
  tokenUrl: slot.tokenUrl,
  ...parameters,
})

/** The field `exchange` of a route. */
export const EXCHANGES = {
  'token-exchange': oauth2(() => ({ grant: 'token-exchange' })),
  'jwt-bearer with a secret': oauth2(({ secretFile }) => ({ grant: 'jwt-bearer', clientSecretFile: secretFile })),
  'jwt-bearer with a secret in the body': oauth2(({ secretFile }) => ({
    grant: 'jwt-bearer',
    clientAuth: 'post',
    clientSecretFile: secretFile,
  })),
  'client-credentials as JSON': oauth2(() => ({ grant: 'client-credentials', body: 'json' })),
  'token-exchange that says its life': oauth2(() => ({ grant: 'token-exchange', expiresIn: 120 })),
  'google federated': google(() => ({})),
  'google access token': google(account),
  'google ID token': google((slot) => ({ ...account(slot), tokenKind: 'id', targetAudience: 'https://run.example' })),
  vault: ({ base, number }: Slot) => ({ type: 'vault', address: base, mount: `slot${number}`, role: 'orders' }),
  entra: preset('entra', { tenantId: 'contoso.example', clientId: UUID, scope: 'https://graph.example/.default' }),
  databricks: preset('databricks', { host: 'workspace.example' }),
  forgerock: preset('forgerock', { clientId: 'arn:aws:iam::123456789012:role/orders' }),
  keycloak: ({ base, number }: Slot) => ({ preset: 'keycloak', issuer: `${base}/slot${number}/realms/shop` }),
  openai: preset('openai', { identityProviderId: 'idp_1', serviceAccountId: 'sa_1' }),
  anthropic: preset('anthropic', { federationRuleId: 'fdrl_1', organizationId: UUID, serviceAccountId: 'svac_1' }),
  tailscale: preset('tailscale', { clientId: 'T1' }),
  openrouter: preset('openrouter', { federationPolicyId: 'p1' }),
} as const satisfies Readonly<Record<string, (slot: Slot) => object>>

export type ExchangeName = keyof typeof EXCHANGES
export const EXCHANGE_NAMES = Object.keys(EXCHANGES) as readonly ExchangeName[]

/** In which form an endpoint answers. */
export type Form = 'oauth2' | 'vault' | 'google access token' | 'google ID token'

export function formOf({ head }: RawCall): Form {
  const path = head.split(' ', 2)[1] ?? ''
  if (path.startsWith('/v1/auth/')) return 'vault'
  if (path.endsWith(':generateAccessToken')) return 'google access token'
  return path.endsWith(':generateIdToken') ? 'google ID token' : 'oauth2'
}

/** @returns the number of the slot that a call is for. */
export const slotOf = ({ head, body }: RawCall): number => Number(/slot(\d+)/.exec(head + body)?.[1])

/** @returns the credential that a request to a partner carries; undefined when it is not exactly one in its form. */
export function credentialOf(
  name: ExchangeName,
  headers: Readonly<Record<string, readonly string[] | undefined>>,
): string | undefined {
  const [own, other] = name === 'vault' ? ['x-vault-token', 'authorization'] : ['authorization', 'x-vault-token']
  const values = headers[own] ?? []
  if (values.length !== 1 || headers[other] !== undefined) return undefined
  return name === 'vault' ? values[0] : /^Bearer (.+)$/.exec(values[0] ?? '')?.[1]
}
