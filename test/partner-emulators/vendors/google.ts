import { generateKeyPairSync } from 'node:crypto'
import { SignJWT } from 'jose'
import { JWT_TYPE, TOKEN_EXCHANGE, answerTo, answering, opaque, refusal, verify, wrongFields } from '../vendor.ts'
import type { Answer, Flaw, TokenRequest, Vendor } from '../vendor.ts'

export const GOOGLE = {
  audience: '//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/aws/providers/orders',
  serviceAccount: 'orders@shop.iam.gserviceaccount.com',
} as const
const REQUIRED = ['grant_type', 'audience', 'scope', 'requested_token_type', 'subject_token', 'subject_token_type']
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'
const SAID: Partial<Record<Flaw, Answer>> = {
  audience: refusal('invalid_grant', 'The audience in ID Token does not match the expected audience.'),
  issuer: refusal('invalid_grant', 'The issuer in ID Token does not match the expected ones.'),
  // The condition of the provider; docs/partners/google.md sets one for the subject.
  subject: refusal('unauthorized_client', 'The given credential is rejected by the attribute condition.'),
}
const federated = new Set<string>()

/** https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token */
export const googleSts: Vendor = ({ path, headers, body, fields }, trust) => {
  // Google refuses credentials that it does not need here.
  if (path !== '/v1/token' || body !== 'form' || headers.authorization !== undefined)
    return Promise.resolve(refusal('invalid_request', 'Request contains an invalid argument.'))
  if (wrongFields(fields, REQUIRED, ['options']).length > 0 || fields['grant_type'] !== TOKEN_EXCHANGE)
    return Promise.resolve(refusal('invalid_request', 'Invalid request.'))
  if (fields['subject_token_type'] !== JWT_TYPE || fields['requested_token_type'] !== ACCESS_TOKEN_TYPE)
    return Promise.resolve(refusal('invalid_request', 'Invalid value for "subject_token_type".'))
  if (fields['audience'] !== GOOGLE.audience)
    return Promise.resolve(
      refusal('invalid_target', 'The target service indicated by the "audience" parameters is invalid.'),
    )
  return answering(
    async () => {
      const demands = { audience: `https:${GOOGLE.audience}`, algorithms: ['RS256', 'ES256'], longestSeconds: 86_400 }
      await verify(fields['subject_token'], trust, demands)
      const token = opaque('ya29.federated-')
      federated.add(token)
      return {
        status: 200,
        json: { access_token: token, issued_token_type: ACCESS_TOKEN_TYPE, token_type: 'Bearer', expires_in: 3599 },
      }
    },
    (flaw) => SAID[flaw] ?? refusal('invalid_grant', `The given credential is not valid: ${flaw}.`),
  )
}

/** Takes no federated token: https://cloud.google.com/iam/docs/federated-identity-supported-services */
export const googleStorage: Vendor = ({ headers }) =>
  Promise.resolve(answerTo(headers.authorization, 'Bearer ya29.impersonated-'))

/** Google's Python library asks for the name of the project: https://cloud.google.com/resource-manager/reference/rest/v1/projects/get */
export const googleProjects: Vendor = ({ headers }) => {
  const { status } = answerTo(headers.authorization, 'Bearer ya29.')
  return Promise.resolve({ status, json: { projectId: 'p', projectNumber: '1' } })
}

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts */
export const googleIamCredentials: Vendor = async ({ path, headers, fields }) => {
  const [, account = '', method = ''] = /^\/v1\/projects\/-\/serviceAccounts\/([^:]+):(\w+)$/.exec(path) ?? []
  const bearer = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1] ?? ''
  if (!federated.has(bearer)) return failed(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.')
  if (account !== GOOGLE.serviceAccount)
    return failed(403, 'PERMISSION_DENIED', "Permission 'iam.serviceAccounts.getAccessToken' denied on resource.")
  if (method === 'generateAccessToken') return accessToken(fields)
  if (method === 'generateIdToken') return idToken(account, fields)
  return failed(404, 'NOT_FOUND', 'Method not found.')
}

async function idToken(account: string, fields: TokenRequest['fields']): Promise<Answer> {
  if (wrongFields(fields, ['audience'], ['includeEmail', 'delegates']).length > 0)
    return failed(400, 'INVALID_ARGUMENT', 'Invalid JSON payload received.')
  const token = await new SignJWT({ ...(fields['includeEmail'] === true && { email: account }) })
    .setProtectedHeader({ alg: 'RS256' })
    .setIssuer('https://accounts.google.com')
    .setSubject('1')
    .setAudience(String(fields['audience']))
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey)
  return { status: 200, json: { token } }
}

function accessToken(fields: TokenRequest['fields']): Answer {
  if (wrongFields(fields, ['scope'], ['lifetime', 'delegates']).length > 0 || !Array.isArray(fields['scope']))
    return failed(400, 'INVALID_ARGUMENT', 'Invalid JSON payload received.')
  const { lifetime = '3600s' } = fields
  const seconds = typeof lifetime === 'string' ? Number.parseInt(lifetime, 10) : Number.NaN
  if (!(seconds <= 3_600)) return failed(400, 'INVALID_ARGUMENT', 'The token lifetime is longer than permitted.')
  const expireTime = `${new Date(Date.now() + seconds * 1000).toISOString().slice(0, 19)}Z`
  return { status: 200, json: { accessToken: opaque('ya29.impersonated-'), expireTime } }
}

const failed = (code: number, status: string, message: string): Answer => ({
  status: code,
  json: { error: { code, message, status } },
})
