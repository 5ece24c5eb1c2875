import { answerTo, answering, opaque, verify, wrongFields } from '../vendor.ts'
import type { Answer, Flaw, Vendor } from '../vendor.ts'

export const VAULT = {
  role: 'orders',
  limitedRole: 'limited',
  audience: 'vault.example',
  namespace: 'team',
} as const

/** https://developer.hashicorp.com/vault/api-docs/auth/jwt#jwt-login, with `jwt_supported_algs` as it is by default. */
export const vault: Vendor = ({ path, headers, body, fields }, trust) => {
  if (path.startsWith('/v1/secret/')) return Promise.resolve(answerTo(headers['x-vault-token'], 'hvs.'))
  if (path !== '/v1/auth/jwt/login') return Promise.resolve(failed(403, 'permission denied'))
  const { 'x-vault-namespace': namespace = VAULT.namespace } = headers
  if (namespace !== VAULT.namespace) return Promise.resolve(failed(403, 'permission denied'))
  if (body !== 'json' || wrongFields(fields, ['role', 'jwt']).length > 0)
    return Promise.resolve(failed(400, 'missing jwt or role'))
  if (fields['role'] !== VAULT.role && fields['role'] !== VAULT.limitedRole)
    return Promise.resolve(failed(400, `role ${JSON.stringify(fields['role'])} could not be found`))
  return answering(
    async () => {
      await verify(fields['jwt'], trust, { audience: VAULT.audience, algorithms: ['RS256'], leeway: 150 })
      const uses = fields['role'] === VAULT.limitedRole ? 1 : 0
      const auth = { client_token: opaque('hvs.'), lease_duration: 1200, renewable: true, num_uses: uses }
      return { status: 200, json: { request_id: 'r', lease_duration: 0, auth } }
    },
    (flaw) => failed(400, SAID[flaw] ?? `error validating token: invalid ${flaw}`),
  )
}

/** https://github.com/hashicorp/vault-plugin-auth-jwt/blob/main/path_login.go */
const SAID: Partial<Record<Flaw, string>> = {
  audience: 'error validating token: invalid audience (aud) claim: audience claim does not match any expected audience',
  issuer: 'error validating token: invalid issuer (iss) claim',
  subject: 'error validating token: sub claim does not match bound subject',
  signature:
    'error validating token: error verifying token signature: no known key successfully validated the token signature',
}

const failed = (status: number, error: string): Answer => ({ status, json: { errors: [error] } })
