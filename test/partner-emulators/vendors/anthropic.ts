import { JWT_BEARER, answerTo, answering, opaque, verify, wrongFields } from '../vendor.ts'
import type { Answer, Vendor } from '../vendor.ts'

export const ANTHROPIC = {
  federationRuleId: 'fdrl_0123456789',
  organizationId: '11111111-2222-3333-4444-555555555555',
  serviceAccountId: 'svac_0123456789',
} as const
const REQUIRED = ['grant_type', 'assertion', 'federation_rule_id', 'organization_id', 'service_account_id']
const used = new Set<string>()

/** https://platform.claude.com/docs/en/manage-claude/wif-reference: each token once, by default. */
export const anthropic: Vendor = ({ path, headers, body, fields }, trust) => {
  if (path === '/v1/models') return Promise.resolve(models(headers.authorization))
  if (path !== '/v1/oauth/token' || body !== 'json' || wrongFields(fields, REQUIRED, ['workspace_id']).length > 0)
    return Promise.resolve(failed(400, 'invalid_request_error', 'Invalid request.'))
  if (fields['grant_type'] !== JWT_BEARER || String(fields['assertion']).length > 16 * 1024)
    return Promise.resolve(failed(400, 'invalid_request_error', 'Unsupported grant.'))
  const isKnown =
    fields['federation_rule_id'] === ANTHROPIC.federationRuleId &&
    fields['organization_id'] === ANTHROPIC.organizationId &&
    fields['service_account_id'] === ANTHROPIC.serviceAccountId
  if (!isKnown) return Promise.resolve(failed(401, 'authentication_error', 'Authentication failed'))
  return answering(
    async () => {
      const demands = { audience: 'https://api.anthropic.com', longestSeconds: 3_600, used }
      const { exp = 0 } = await verify(fields['assertion'], trust, demands)
      const seconds = Math.max(60, Math.min(3_600, 2 * Math.floor(exp - Date.now() / 1000)))
      return {
        status: 200,
        json: { access_token: opaque('sk-ant-oat01-'), token_type: 'Bearer', expires_in: seconds, scope: 'inference' },
      }
    },
    // It does not say why.
    () => failed(401, 'authentication_error', 'Authentication failed'),
  )
}

function models(authorization: string | undefined): Answer {
  const { status, json } = answerTo(authorization, 'Bearer sk-ant-oat01-')
  return status === 200
    ? { status, json: { ...(json as object), data: [], has_more: false } }
    : failed(status, 'authentication_error', 'invalid bearer token')
}

const failed = (status: number, type: string, message: string): Answer => ({
  status,
  json: { type: 'error', error: { type, message } },
})
