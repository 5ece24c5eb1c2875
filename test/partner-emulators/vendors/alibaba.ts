import { Flawed, opaque, verify } from '../vendor.ts'
import type { Answer, Flaw, Vendor } from '../vendor.ts'

export const ALIBABA = {
  audience: 'sts.aliyuncs.com',
  roleArn: 'acs:ram::1234567890123456:role/orders',
  oidcProviderArn: 'acs:ram::1234567890123456:oidc-provider/cluster',
} as const

/** https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerolewithoidc */
export const alibaba: Vendor = async ({ path }, trust) => {
  const query = new URL(path, 'https://sts.aliyuncs.com').searchParams
  if (query.get('Action') !== 'AssumeRoleWithOIDC' || query.get('Version') !== '2015-04-01')
    return failed(404, 'InvalidAction.NotFound', 'Specified api is not found.')
  if (query.get('OIDCProviderArn') !== ALIBABA.oidcProviderArn || query.get('RoleArn') !== ALIBABA.roleArn)
    return failed(401, 'AuthenticationFail.NoPermission', 'No such OIDC Provider registered.')
  if (Number(query.get('DurationSeconds') ?? 3600) < 900 || !query.get('RoleSessionName'))
    return failed(400, 'InvalidParameter', 'The parameter is wrongly formed.')
  try {
    await verify(query.get('OIDCToken'), trust, { audience: ALIBABA.audience, algorithms: ['RS256'] })
  } catch (error) {
    if (error instanceof Flawed) return SAID[error.flaw] ?? failed(401, 'AuthenticationFail.NoPermission', NOT_TRUSTED)
    throw error
  }
  const Expiration = `${new Date(Date.now() + 3_600_000).toISOString().slice(0, 19)}Z`
  const Credentials = { AccessKeyId: 'STS.key', AccessKeySecret: 'secret', SecurityToken: opaque('ali-'), Expiration }
  return { status: 200, json: { RequestId: 'r', Credentials } }
}

const NOT_TRUSTED = 'There is no permission'
/** https://help.aliyun.com/zh/ram/developer-reference/api-sts-2015-04-01-errorcodes */
const SAID: Partial<Record<Flaw, Answer>> = {
  audience: failed(401, 'AuthenticationFail.OIDCToken.AudienceNotMatch', 'Invalid audience.'),
  expired: failed(401, 'AuthenticationFail.OIDCToken.Expired', 'This JsonWebToken is expired.'),
  signature: failed(
    401,
    'AuthenticationFail.OIDCToken.InvalidSignature',
    'OIDC token validate failed: invalid signature.',
  ),
}

function failed(status: number, Code: string, Message: string): Answer {
  return { status, json: { Code, Message } }
}
