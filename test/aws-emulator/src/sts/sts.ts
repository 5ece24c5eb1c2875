import { randomUUID } from 'node:crypto'
import type { AssumeRoleDeps } from './assume-role-with-web-identity.ts'
import { assumeRoleWithWebIdentity } from './assume-role-with-web-identity.ts'
import { StsError } from './errors.ts'
import type { GetWebIdentityTokenDeps } from './get-web-identity-token.ts'
import { getWebIdentityToken } from './get-web-identity-token.ts'
import type { SignedRequest } from './signature.ts'
import { authenticate } from './signature.ts'
import type { XmlValue } from './xml.ts'
import { errorXml, successXml } from './xml.ts'

/** One call, as `/_admin/calls` and tests see it. SECURITY: no token, key or signature. */
export interface RecordedCall {
  readonly action: string
  readonly status: number
  /** Wire code of the error, or `ok`. */
  readonly outcome: string
  readonly audiences: readonly string[]
  readonly durationSeconds: string | null
  readonly sessionName: string | null
}

export interface StsReply {
  readonly status: number
  readonly body: string
}

export type StsDeps = AssumeRoleDeps & GetWebIdentityTokenDeps & { readonly record: (call: RecordedCall) => void }

/** Answers one Query API request. */
export async function answerSts(request: SignedRequest, deps: StsDeps): Promise<StsReply> {
  const parameters = new URLSearchParams(request.body)
  const action = parameters.get('Action') ?? ''
  const requestId = randomUUID()
  const record = (status: number, outcome: string): void =>
    deps.record({
      action,
      status,
      outcome,
      audiences: [...parameters].filter(([name]) => name.startsWith('Audience.')).map(([, value]) => value),
      durationSeconds: parameters.get('DurationSeconds'),
      sessionName: parameters.get('RoleSessionName'),
    })
  try {
    const result = await dispatch(action, parameters, request, deps)
    record(200, 'ok')
    return { status: 200, body: successXml(action, result, requestId) }
  } catch (error) {
    if (!(error instanceof StsError)) throw error
    record(error.status, error.code)
    return { status: error.status, body: errorXml(error, requestId) }
  }
}

async function dispatch(
  action: string,
  parameters: URLSearchParams,
  request: SignedRequest,
  deps: StsDeps,
): Promise<XmlValue> {
  switch (action) {
    case 'AssumeRoleWithWebIdentity':
      return assumeRoleWithWebIdentity(parameters, deps)
    case 'GetWebIdentityToken':
      return getWebIdentityToken(parameters, await authenticate(request, deps), deps)
    case 'GetCallerIdentity': {
      const { role, name } = await authenticate(request, deps)
      const roleName = role.arn.split('/').at(-1) ?? ''
      return {
        Arn: `arn:aws:sts::${deps.accountId}:assumed-role/${roleName}/${name}`,
        UserId: `AROAEMULATED:${name}`,
        Account: deps.accountId,
      }
    }
    default:
      throw new StsError('InvalidAction', `Could not find operation ${action} for version 2011-06-15`)
  }
}
