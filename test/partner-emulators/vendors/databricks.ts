import { JWT_TYPE, TOKEN_EXCHANGE, answering, opaque, refusal, verify, wrongFields } from '../vendor.ts'
import type { Vendor } from '../vendor.ts'

export const DATABRICKS = { accountId: '0a1b2c3d-0000-4000-8000-000000000001', principal: 'sp-orders' } as const

/** https://docs.databricks.com/aws/en/dev-tools/auth/oauth-federation-exchange */
export const databricks: Vendor = ({ path, headers, fields }, trust) => {
  const base = `https://${headers.host ?? ''}/oidc`
  const document = {
    '/.well-known/databricks-config': { oidc_endpoint: base, account_id: DATABRICKS.accountId },
    '/oidc/.well-known/oauth-authorization-server': {
      authorization_endpoint: `${base}/v1/authorize`,
      token_endpoint: `${base}/v1/token`,
    },
  }[path]
  if (document) return Promise.resolve({ status: 200, json: document })
  const isPath = ['/oidc/v1/token', `/oidc/accounts/${DATABRICKS.accountId}/v1/token`].includes(path)
  const required = ['grant_type', 'subject_token', 'subject_token_type', 'scope']
  if (!isPath || wrongFields(fields, required, ['client_id', 'assume_group']).length > 0)
    return Promise.resolve(refusal('invalid_request'))
  if (fields['grant_type'] !== TOKEN_EXCHANGE || fields['subject_token_type'] !== JWT_TYPE)
    return Promise.resolve(refusal('unsupported_grant_type'))
  const client = fields['client_id']
  if (client !== undefined && client !== DATABRICKS.principal)
    return Promise.resolve(refusal('invalid_client', 'Service principal not found.', 401))
  return answering(
    async () => {
      const demands = { audience: DATABRICKS.accountId, algorithms: ['RS256', 'ES256'] }
      const { exp = 0 } = await verify(fields['subject_token'], trust, demands)
      // It ends with the token it was made from.
      const seconds = Math.floor(exp - Date.now() / 1000)
      return {
        status: 200,
        json: { access_token: opaque('dbx-'), token_type: 'Bearer', expires_in: seconds, scope: fields['scope'] },
      }
    },
    (flaw) => refusal('invalid_grant', `The subject token does not match a federation policy: ${flaw}.`),
  )
}
