import { JWT_TYPE, TOKEN_EXCHANGE, answerTo, answering, opaque, refusal, verify, wrongFields } from '../vendor.ts'
import type { Answer, Vendor } from '../vendor.ts'

export const DATABRICKS = {
  host: 'dbc-a1b2c3d4-e5f6.cloud.databricks.com',
  accountId: '11111111-2222-3333-4444-555555555555',
  principal: '66666666-7777-8888-9999-000000000000',
} as const
const REQUIRED = ['grant_type', 'subject_token', 'subject_token_type', 'scope']

/** https://docs.databricks.com/aws/en/dev-tools/auth/oauth-federation-exchange, and the documents by which SDKs find the endpoint. */
export const databricksWorkspace: Vendor = (request, trust) => {
  const { path, headers } = request
  const base = `https://${headers.host ?? ''}/oidc`
  const document = {
    '/.well-known/databricks-config': { oidc_endpoint: base, account_id: DATABRICKS.accountId },
    '/oidc/.well-known/oauth-authorization-server': {
      authorization_endpoint: `${base}/v1/authorize`,
      token_endpoint: `${base}/v1/token`,
    },
  }[path]
  if (document) return Promise.resolve({ status: 200, json: document })
  if (path.startsWith('/api/')) return Promise.resolve(answerTo(headers.authorization, 'Bearer dbx-'))
  return path === '/oidc/v1/token' ? exchange(request, trust) : Promise.resolve(refusal('invalid_request'))
}

export const databricksAccount: Vendor = (request, trust) =>
  request.path === `/oidc/accounts/${DATABRICKS.accountId}/v1/token`
    ? exchange(request, trust)
    : Promise.resolve(refusal('invalid_request'))

const exchange: Vendor = ({ body, fields }, trust): Promise<Answer> => {
  if (body !== 'form' || wrongFields(fields, REQUIRED, ['client_id', 'assume_group']).length > 0)
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
