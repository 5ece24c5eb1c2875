import { CLIENT_ASSERTION, answering, opaque, refusal, verify } from '../vendor.ts'
import type { Vendor } from '../vendor.ts'

export const KEYCLOAK = { issuer: 'https://keycloak.example/realms/shop' } as const
const used = new Set<string>()

/** https://www.keycloak.org/securing-apps/jwt-authorization-grant: each token once, and 5 minutes at most. */
export const keycloak: Vendor = ({ path, fields }, trust) => {
  if (path !== '/realms/shop/protocol/openid-connect/token')
    return Promise.resolve(refusal('invalid_request', 'Realm does not exist', 404))
  if (fields['grant_type'] !== 'client_credentials' || fields['client_assertion_type'] !== CLIENT_ASSERTION)
    return Promise.resolve(refusal('unsupported_grant_type'))
  return answering(
    async () => {
      await verify(fields['client_assertion'], trust, { audience: KEYCLOAK.issuer, longestSeconds: 300, used })
      const more = { refresh_expires_in: 0, 'not-before-policy': 0, scope: 'profile' }
      return {
        status: 200,
        json: {
          access_token: opaque('kc-'),
          expires_in: 300,
          token_type: 'Bearer',
          id_token: 'not.asked.for',
          ...more,
        },
      }
    },
    (flaw) => refusal('invalid_client', `Invalid client assertion: ${flaw}`, 401),
  )
}
