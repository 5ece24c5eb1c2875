import { answerTo, answering, opaque, verify, wrongFields } from '../vendor.ts'
import type { Answer, Vendor } from '../vendor.ts'

export const TAILSCALE = { clientId: 'T0123456789CNTRL-k0123456789' } as const

/** https://github.com/tailscale/tailscale/tree/main/feature/identityfederation; what it says: https://github.com/tailscale/github-action/issues/227 */
export const tailscale: Vendor = ({ path, headers, body, fields }, trust) => {
  if (path.startsWith('/api/v2/tailnet/')) return Promise.resolve(answerTo(headers.authorization, 'Bearer tskey-api-'))
  if (
    path !== '/api/v2/oauth/token-exchange' ||
    body !== 'form' ||
    wrongFields(fields, ['client_id', 'jwt']).length > 0
  )
    return Promise.resolve({ status: 400, json: { message: 'invalid request' } })
  if (fields['client_id'] !== TAILSCALE.clientId) return Promise.resolve(UNAUTHORIZED)
  return answering(
    async () => {
      await verify(fields['jwt'], trust, { audience: `api.tailscale.com/${TAILSCALE.clientId}` })
      return { status: 200, json: { access_token: opaque('tskey-api-'), token_type: 'Bearer', expires_in: 3600 } }
    },
    // It does not say why.
    () => UNAUTHORIZED,
  )
}

const UNAUTHORIZED: Answer = { status: 403, json: { message: 'Unauthorized' } }
