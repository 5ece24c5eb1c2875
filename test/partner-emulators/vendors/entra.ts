import { CLIENT_ASSERTION, answerTo, answering, opaque, refusal, verify } from '../vendor.ts'
import type { Answer, Flaw, Vendor } from '../vendor.ts'

export const ENTRA = {
  tenant: '11111111-2222-3333-4444-555555555555',
  clientId: '66666666-7777-8888-9999-000000000000',
} as const

const SAID: Readonly<Record<Flaw, string>> = {
  algorithm: "AADSTS5002738: 'ES384' is not a supported signature algorithm.",
  signature: 'AADSTS700027: Client assertion failed signature validation.',
  issuer: 'AADSTS700211: No matching federated identity record found for presented assertion issuer.',
  subject: 'AADSTS700213: No matching federated identity record found for presented assertion subject.',
  audience: 'AADSTS700212: No matching federated identity record found for presented assertion audience.',
  expired: 'AADSTS700024: Client assertion is not within its valid time range.',
  life: 'AADSTS700024: Client assertion is not within its valid time range.',
  replayed: 'AADSTS700027: not known',
}

const NO_GRANT = "AADSTS900144: The request body must contain the following parameter: 'grant_type'."

/** https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations */
export const entra: Vendor = ({ path, body, fields }, trust) => {
  // MSAL for JavaScript adds a query.
  const { pathname } = new URL(path, 'https://login.microsoftonline.com')
  if (pathname !== `/${ENTRA.tenant}/oauth2/v2.0/token`)
    return Promise.resolve(refused('invalid_request', 'AADSTS90002: Tenant not found.', 400))
  if (body !== 'form' || fields['grant_type'] === undefined)
    return Promise.resolve(refused('invalid_request', NO_GRANT, 400))
  if (fields['client_id'] !== ENTRA.clientId)
    return Promise.resolve(
      refused('unauthorized_client', 'AADSTS700016: Application was not found in the directory.', 400),
    )
  if (fields['grant_type'] !== 'client_credentials' || fields['client_assertion_type'] !== CLIENT_ASSERTION)
    return Promise.resolve(
      refused('unsupported_grant_type', 'AADSTS70003: The app requested an unsupported grant.', 400),
    )
  if (!String(fields['scope']).endsWith('/.default'))
    return Promise.resolve(refused('invalid_scope', 'AADSTS1002012: The provided value for scope is not valid.', 400))
  return answering(
    async () => {
      const demands = { audience: 'api://AzureADTokenExchange', algorithms: ['RS256'], leeway: 300 }
      const { aud } = await verify(fields['client_assertion'], trust, demands)
      if (Array.isArray(aud) && aud.length > 1) return refused('invalid_client', SAID.audience)
      const token = { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599, access_token: opaque('entra-') }
      return { status: 200, json: token }
    },
    (flaw) => refused('invalid_client', SAID[flaw]),
  )
}

/** https://learn.microsoft.com/graph/auth/auth-concepts */
export const graph: Vendor = ({ headers }) => Promise.resolve(answerTo(headers.authorization, 'Bearer entra-'))

function refused(error: string, description: string, status = 401): Answer {
  const { json } = refusal(error, `${description} Trace ID: 00000000-0000-4000-8000-000000000000`)
  const number = Number(/AADSTS(\d+)/.exec(description)?.[1])
  return { status, json: { ...(json as object), error_codes: [number], timestamp: '2026-01-01 00:00:00Z' } }
}
