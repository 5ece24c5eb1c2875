import { randomUUID } from 'node:crypto'
import type { Fault } from '../faults/fault.ts'
import type { Incoming } from '../http/incoming.ts'
import type { Reply } from '../http/reply.ts'
import type { AssumeRoleDeps } from './assume-role-with-web-identity.ts'
import { assumeRoleWithWebIdentity } from './assume-role-with-web-identity.ts'
import { StsError } from './errors.ts'
import type { GetWebIdentityTokenDeps } from './get-web-identity-token.ts'
import { getWebIdentityToken } from './get-web-identity-token.ts'
import { authenticate } from './signature.ts'
import type { XmlValue } from './xml.ts'
import { errorXml, successXml } from './xml.ts'

export type StsDeps = AssumeRoleDeps & GetWebIdentityTokenDeps

export interface StsAnswer {
  readonly reply: Reply
  /** Wire code of the error, or `ok`. */
  readonly outcome: string
}

/** Answers one Query API request. */
export async function answerSts(request: Incoming, deps: StsDeps, fault?: Fault): Promise<StsAnswer> {
  const parameters = new URLSearchParams(request.body)
  const action = parameters.get('Action') ?? ''
  const requestId = randomUUID()
  const xml = (status: number, body: string): Reply => ({ status, contentType: 'text/xml', body })
  try {
    const result = await dispatch({ action, parameters, request, fault }, deps)
    return { reply: xml(200, successXml(action, result, requestId)), outcome: 'ok' }
  } catch (error) {
    if (!(error instanceof StsError)) throw error
    return { reply: xml(error.status, errorXml(error, requestId)), outcome: error.code }
  }
}

interface Operation {
  readonly action: string
  readonly parameters: URLSearchParams
  readonly request: Incoming
  readonly fault: Fault | undefined
}

async function dispatch({ action, parameters, request, fault }: Operation, deps: StsDeps): Promise<XmlValue> {
  switch (action) {
    case 'AssumeRoleWithWebIdentity':
      return assumeRoleWithWebIdentity(parameters, deps, fault)
    case 'GetWebIdentityToken':
      return getWebIdentityToken(parameters, await authenticate(request, deps), deps, fault)
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
