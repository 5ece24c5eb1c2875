import { JWT_TYPE, TOKEN_EXCHANGE, answerTo, answering, opaque, refusal, verify, wrongFields } from '../vendor.ts'
import type { Vendor } from '../vendor.ts'

export const OPENAI = { identityProviderId: 'idp_0123456789', serviceAccountId: 'user-0123456789' } as const
const REQUIRED = ['grant_type', 'subject_token', 'subject_token_type', 'identity_provider_id', 'service_account_id']

/** https://developers.openai.com/api/reference/workload-identity-federation */
export const openai: Vendor = ({ path, body, fields }, trust) => {
  if (path !== '/oauth/token' || body !== 'json' || wrongFields(fields, REQUIRED, ['scope']).length > 0)
    return Promise.resolve(refusal('invalid_request'))
  if (fields['grant_type'] !== TOKEN_EXCHANGE || fields['subject_token_type'] !== JWT_TYPE)
    return Promise.resolve(refusal('unsupported_grant_type'))
  const { identityProviderId, serviceAccountId } = OPENAI
  if (fields['identity_provider_id'] !== identityProviderId || fields['service_account_id'] !== serviceAccountId)
    return Promise.resolve(refusal('access_denied', 'No mapping for this service account.', 403))
  return answering(
    async () => {
      await verify(fields['subject_token'], trust, { audience: 'https://api.openai.com/v1' })
      return { status: 200, json: { access_token: opaque('openai-'), expires_in: 3600, token_type: 'Bearer' } }
    },
    (flaw) => refusal('invalid_grant', `The subject token is not valid: ${flaw}.`, 401),
  )
}

export const openaiApi: Vendor = ({ headers }) => Promise.resolve(answerTo(headers.authorization, 'Bearer openai-'))
