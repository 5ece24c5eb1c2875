import type { Account } from '../account/account.ts'
import { ServiceError } from '../query/errors.ts'
import type { Caller } from '../query/signature.ts'
import type { XmlValue } from '../query/xml.ts'
import { authorize } from './authorize.ts'

/** The three calls of IAM that switch outbound identity federation. The issuer outlives a disablement. */
export function outboundFederation(action: string, { role, session }: Caller, account: Account): XmlValue {
  const { arns, issuer, state } = account
  authorize({ action: `iam:${action}`, resource: '*', context: {} }, { role, name: session.name }, arns)
  const enabled = state.federation.enabled()
  if (action === 'EnableOutboundWebIdentityFederation') {
    if (enabled) throw new ServiceError('FeatureEnabled')
    state.federation.set(true)
    return { IssuerIdentifier: issuer.issuer }
  }
  if (!enabled) throw new ServiceError('FeatureDisabled')
  if (action === 'GetOutboundWebIdentityFederationInfo')
    return { IssuerIdentifier: issuer.issuer, JwtVendingEnabled: 'true' }
  state.federation.set(false)
  return {}
}
