import { CLIENT_ASSERTION, JWT_BEARER, answering, opaque, refusal, verify } from '../vendor.ts'
import type { Answer, Demands, TokenRequest, Vendor } from '../vendor.ts'

export const FORGEROCK = {
  tokenUrl: 'https://am.partner.example/am/oauth2/realms/root/realms/shop/access_token',
  scope: 'orders',
  client: 'orders',
  secret: 'p&ss w0rd',
} as const
/** "JWT expiration time is unreasonable" */
const DEMANDS: Demands = { audience: FORGEROCK.tokenUrl, farthestSeconds: 1_800 }
const BASIC = `Basic ${Buffer.from('orders:p%26ss+w0rd').toString('base64')}`

/** https://docs.pingidentity.com/pingam/7.2/oauth2-guide/client-auth-jwt.html; for jwt-bearer …/8/am-oauth2/oauth2-jwt-bearer-grant.html */
export const forgerock: Vendor = (request, trust) => {
  const { path, headers, body, fields } = request
  if (`https://am.partner.example${path}` !== FORGEROCK.tokenUrl)
    return Promise.resolve(refusal('not_found', 'Realm not found.', 404))
  if (body !== 'form') return Promise.resolve(refusal('invalid_request', 'Missing parameter, grant_type'))
  if (fields['grant_type'] === JWT_BEARER) {
    if (headers.authorization !== BASIC) return Promise.resolve(UNAUTHENTICATED)
    return answering(
      async () => {
        await verify(fields['assertion'], trust, DEMANDS)
        return granted(request)
      },
      (flaw) => refusal('invalid_grant', flaw === 'life' ? UNREASONABLE : `JWT is not valid: ${flaw}`),
    )
  }
  if (fields['grant_type'] !== 'client_credentials' || fields['client_assertion_type'] !== CLIENT_ASSERTION)
    return Promise.resolve(refusal('unsupported_grant_type'))
  // RFC 6749 §2.3: one way to authenticate for each request.
  if (headers.authorization !== undefined) return Promise.resolve(UNAUTHENTICATED)
  return answering(
    async () => {
      const { sub } = await verify(fields['client_assertion'], trust, DEMANDS)
      return fields['client_id'] === sub ? granted(request) : UNAUTHENTICATED
    },
    (flaw) => (flaw === 'life' ? refusal('invalid_client', UNREASONABLE, 401) : UNAUTHENTICATED),
  )
}

const UNREASONABLE = 'JWT expiration time is unreasonable'
const UNAUTHENTICATED = refusal('invalid_client', 'Client authentication failed', 401)

function granted({ fields }: TokenRequest): Answer {
  const { scope = FORGEROCK.scope } = fields
  if (scope !== FORGEROCK.scope) return refusal('invalid_scope', `Unknown/invalid scope(s): [${String(scope)}]`)
  return { status: 200, json: { access_token: opaque('am-'), scope, token_type: 'Bearer', expires_in: 3599 } }
}
