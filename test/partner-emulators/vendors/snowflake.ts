import { Flawed, opaque, verify } from '../vendor.ts'
import type { Vendor } from '../vendor.ts'

export const SNOWFLAKE = { audience: 'snowflakecomputing.com' } as const

/** The login of Snowflake's drivers with workload identity federation; https://docs.snowflake.com/en/user-guide/workload-identity-federation. */
export const snowflake: Vendor = async ({ path, fields }, trust) => {
  if (!path.startsWith('/session/v1/login-request')) return { status: 200, json: { success: true, data: {} } }
  const { AUTHENTICATOR, PROVIDER, TOKEN } = (fields['data'] ?? {}) as Readonly<Record<string, unknown>>
  const failed = (message: string): { status: number; json: object } => ({
    status: 200,
    json: { success: false, code: '390144', message, data: {} },
  })
  if (AUTHENTICATOR !== 'WORKLOAD_IDENTITY' || PROVIDER !== 'OIDC') return failed('Authenticator is not accepted.')
  try {
    await verify(TOKEN, trust, { audience: SNOWFLAKE.audience })
  } catch (error) {
    if (error instanceof Flawed) return failed(`JWT token is invalid: ${error.flaw}`)
    throw error
  }
  const data = {
    token: opaque('snow-'),
    masterToken: opaque('snow-master-'),
    validityInSeconds: 3600,
    masterValidityInSeconds: 14_400,
    serverVersion: '9.0.0',
    parameters: [],
    sessionId: 1,
    sessionInfo: { databaseName: null, schemaName: null, warehouseName: null, roleName: 'PUBLIC' },
  }
  return { status: 200, json: { success: true, code: null, message: null, data } }
}
