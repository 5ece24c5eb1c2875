import { CLIENT_ASSERTION, JWT_BEARER, answering, opaque, refusal, verify } from '../vendor.ts'
import type { Answer, Demands, Vendor } from '../vendor.ts'

export const FORGEROCK = {
  path: '/am/oauth2/realms/root/realms/shop/access_token',
  audience: 'https://am.example/token',
  client: 'orders',
  secret: 'p&ss w0rd',
} as const
/** "JWT expiration time is unreasonable" */
const DEMANDS: Demands = { audience: FORGEROCK.audience, longestSeconds: 1_800 }
const BASIC = `Basic ${Buffer.from('orders:p%26ss+w0rd').toString('base64')}`

/** https://docs.pingidentity.com/pingam/7.2/oauth2-guide/client-auth-jwt.html; for jwt-bearer …/8/am-oauth2/oauth2-jwt-bearer-grant.html */
export const forgerock: Vendor = ({ path, headers, fields }, trust) => {
  if (path !== FORGEROCK.path) return Promise.resolve(refusal('not_found', 'Realm not found.', 404))
  if (fields['grant_type'] === JWT_BEARER) {
    if (headers.authorization !== BASIC)
      return Promise.resolve(refusal('invalid_client', 'Client authentication failed', 401))
    return answering(
      async () => {
        await verify(fields['assertion'], trust, DEMANDS)
        return granted()
      },
      (flaw) => refusal('invalid_grant', flaw === 'life' ? UNREASONABLE : `JWT is not valid: ${flaw}`),
    )
  }
  if (fields['grant_type'] !== 'client_credentials' || fields['client_assertion_type'] !== CLIENT_ASSERTION)
    return Promise.resolve(refusal('unsupported_grant_type'))
  return answering(
    async () => {
      const { sub } = await verify(fields['client_assertion'], trust, DEMANDS)
      return fields['client_id'] === sub ? granted() : refusal('invalid_client', 'Client authentication failed', 401)
    },
    (flaw) => refusal('invalid_client', flaw === 'life' ? UNREASONABLE : 'Client authentication failed', 401),
  )
}

const UNREASONABLE = 'JWT expiration time is unreasonable'
const granted = (): Answer => ({
  status: 200,
  json: { access_token: opaque('am-'), scope: 'orders', token_type: 'Bearer', expires_in: 3599 },
})
