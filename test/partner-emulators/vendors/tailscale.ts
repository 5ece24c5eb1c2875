import { answering, opaque, verify, wrongFields } from '../vendor.ts'
import type { Answer, Vendor } from '../vendor.ts'

export const TAILSCALE = { clientId: 'T000000CNTRL-k0' } as const

/** https://github.com/tailscale/tailscale/tree/main/feature/identityfederation */
export const tailscale: Vendor = ({ path, fields }, trust) => {
  if (path !== '/api/v2/oauth/token-exchange' || wrongFields(fields, ['client_id', 'jwt']).length > 0)
    return Promise.resolve(failed(400, 'invalid request'))
  if (fields['client_id'] !== TAILSCALE.clientId) return Promise.resolve(failed(403, 'unknown client'))
  return answering(
    async () => {
      await verify(fields['jwt'], trust, { audience: `api.tailscale.com/${TAILSCALE.clientId}` })
      return { status: 200, json: { access_token: opaque('tskey-api-'), token_type: 'Bearer', expires_in: 3600 } }
    },
    (flaw) => failed(403, `jwt is not valid: ${flaw}`),
  )
}

const failed = (status: number, message: string): Answer => ({ status, json: { message } })
