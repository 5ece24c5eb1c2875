import { JWT_TYPE, TOKEN_EXCHANGE, answerTo, answering, opaque, refusal, verify, wrongFields } from '../vendor.ts'
import type { Vendor } from '../vendor.ts'

export const OPENROUTER = { federationPolicyId: 'policy-0123456789', audience: 'https://openrouter.ai' } as const
const REQUIRED = ['grant_type', 'subject_token', 'subject_token_type', 'federation_policy_id']

/** https://openrouter.ai/docs/guides/overview/auth/workload-identity-federation */
export const openrouter: Vendor = ({ path, headers, body, fields }, trust) => {
  if (path === '/api/v1/models') return Promise.resolve(answerTo(headers.authorization, 'Bearer or-'))
  const isEndpoint = path === '/api/v1/oauth/token' && body === 'form'
  if (!isEndpoint || wrongFields(fields, REQUIRED, ['requested_token_type', 'scope']).length > 0)
    return Promise.resolve(refusal('invalid_request'))
  if (fields['grant_type'] !== TOKEN_EXCHANGE || fields['subject_token_type'] !== JWT_TYPE)
    return Promise.resolve(refusal('unsupported_grant_type'))
  if (fields['federation_policy_id'] !== OPENROUTER.federationPolicyId)
    return Promise.resolve(refusal('invalid_target', 'No such policy.'))
  return answering(
    async () => {
      const { exp = 0 } = await verify(fields['subject_token'], trust, { audience: OPENROUTER.audience })
      const seconds = Math.min(900, Math.floor(exp - Date.now() / 1000))
      // As a text, as some write it, and with the type of RFC 8693 §2.2.1 for what is no access token.
      return {
        status: 200,
        json: { access_token: opaque('or-'), token_type: 'N_A', expires_in: String(seconds) },
      }
    },
    (flaw) => refusal('invalid_grant', `The subject token does not match the policy: ${flaw}.`),
  )
}
