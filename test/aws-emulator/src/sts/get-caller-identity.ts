import type { Account } from '../account/account.ts'
import type { Caller } from '../query/signature.ts'
import type { XmlValue } from '../query/xml.ts'

/** GetCallerIdentity: needs a valid signature and no permission. */
export const getCallerIdentity = ({ role, session }: Caller, { arns, accountId }: Account): XmlValue => ({
  Arn: arns.assumedRole(role.arn, session.name),
  UserId: `AROAEMULATED:${session.name}`,
  Account: accountId,
})
