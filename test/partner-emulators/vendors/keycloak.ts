import { CLIENT_ASSERTION, JWT_BEARER, answering, opaque, refusal, verify } from '../vendor.ts'
import type { Answer, Demands, Vendor } from '../vendor.ts'

export const KEYCLOAK = {
  issuer: 'https://sso.partner.example/realms/shop',
  client: 'orders',
  secret: 'p&ss w0rd',
} as const
const DEMANDS: Demands = { audience: KEYCLOAK.issuer, farthestSeconds: 300, used: new Set() }

/** https://www.keycloak.org/securing-apps/jwt-authorization-grant: each token once, and 5 minutes at most. Why a client is refused is in its events alone. */
export const keycloak: Vendor = ({ path, body, fields }, trust) => {
  if (path !== '/realms/shop/protocol/openid-connect/token')
    return Promise.resolve({ status: 404, json: { error: 'Realm does not exist' } })
  if (body !== 'form') return Promise.resolve(refusal('invalid_request', 'Missing form parameter: grant_type'))
  if (fields['grant_type'] === JWT_BEARER) {
    if (fields['client_id'] !== KEYCLOAK.client || fields['client_secret'] !== KEYCLOAK.secret)
      return Promise.resolve(UNAUTHENTICATED)
    return answering(
      async () => {
        await verify(fields['assertion'], trust, DEMANDS)
        return granted()
      },
      (flaw) => refusal('invalid_grant', `Invalid assertion: ${flaw}`),
    )
  }
  if (fields['grant_type'] !== 'client_credentials' || fields['client_assertion_type'] !== CLIENT_ASSERTION)
    return Promise.resolve(refusal('unsupported_grant_type', 'Unsupported grant_type'))
  return answering(
    async () => {
      await verify(fields['client_assertion'], trust, DEMANDS)
      return granted()
    },
    () => UNAUTHENTICATED,
  )
}

const UNAUTHENTICATED = refusal('invalid_client', 'Invalid client or Invalid client credentials', 401)

const granted = (): Answer => ({
  status: 200,
  json: {
    access_token: opaque('kc-'),
    expires_in: 300,
    token_type: 'Bearer',
    id_token: 'not.asked.for',
    refresh_expires_in: 0,
    'not-before-policy': 0,
    scope: 'profile',
  },
})
