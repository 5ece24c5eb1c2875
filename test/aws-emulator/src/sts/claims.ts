import { randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import type { Account } from '../account/account.ts'
import type { Caller } from '../query/signature.ts'
import { wholeSeconds } from './sessions.ts'
import type { WebIdentityRequest } from './web-identity-request.ts'

type Tags = Readonly<Record<string, string>>

/** The claims of an outbound token: whole seconds, no `nbf`; what does not apply is absent. */
export function claimsOf(
  { audiences, durationSeconds, tags }: WebIdentityRequest,
  { role, session }: Caller,
  { accountId, region, issuer, organization, state }: Account,
): JWTPayload {
  const iat = Math.floor(state.now() / 1000)
  const principalTags = mergeTags(role.tags, session.tags)
  return {
    iss: issuer.issuer,
    // The role with its path, not the session.
    sub: role.arn,
    aud: audiences.length === 1 ? (audiences[0] ?? '') : [...audiences],
    iat,
    exp: iat + durationSeconds,
    jti: randomUUID(),
    'https://sts.amazonaws.com/': {
      aws_account: accountId,
      source_region: region,
      principal_id: role.arn,
      original_session_exp: wholeSeconds(session.expiresAt),
      ...(session.provider !== undefined && { federated_provider: session.provider }),
      ...(organization && { org_id: organization.id, ou_path: organization.path }),
      ...(Object.keys(principalTags).length > 0 && { principal_tags: principalTags }),
      ...(Object.keys(tags).length > 0 && { request_tags: tags }),
    },
  }
}

/** Merges tags without regard to the case of their keys; those of the session win. */
export function mergeTags(ofRole: Tags = {}, ofSession: Tags = {}): Tags {
  const taken = new Set(Object.keys(ofSession).map((key) => key.toLowerCase()))
  const kept = Object.entries(ofRole).filter(([key]) => !taken.has(key.toLowerCase()))
  return { ...Object.fromEntries(kept), ...ofSession }
}
