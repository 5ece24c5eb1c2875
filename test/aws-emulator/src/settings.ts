import { csv, integer, optional, accepted, refused, text } from '../../../proxy/src/contract.ts'
import type { Parser } from '../../../proxy/src/contract.ts'
import { listenAddress, setting } from '../../../proxy/src/runtime/index.ts'

const pattern =
  (expression: RegExp, allowed: string): Parser<string> =>
  (value) =>
    expression.test(value) ? accepted(value) : refused(allowed)

/** Variables of the emulator as a process. */
export const SETTINGS = {
  listenAddr: setting(
    'LISTEN_ADDR',
    '127.0.0.1:4599',
    listenAddress,
    'Where STS and the issuers are served, over plain HTTP.',
  ),
  baseUrl: setting(
    'BASE_URL',
    '',
    optional(pattern(/^https?:\/\/[^/]+$/, 'a URL without a path')),
    'Where clients reach it; the base of its issuers.',
  ),
  region: setting(
    'REGION',
    'eu-central-1',
    pattern(/^[a-z]{2}(-[a-z]+)+-\d$/, 'an AWS region'),
    'The region it plays.',
  ),
  accountId: setting('ACCOUNT_ID', '123456789012', pattern(/^\d{12}$/, 'twelve digits'), 'The account it plays.'),
  roleArns: setting(
    'ROLE_ARNS',
    'arn:aws:iam::123456789012:role/orders',
    csv(pattern(/^arn:aws[\w-]*:iam::\d{12}:role\/.+$/, 'the ARN of an IAM role')),
    'Roles that exist; each may be assumed by every service account of a trusted cluster.',
  ),
  sessionSeconds: setting('SESSION_SECONDS', '3600', integer(60, 43_200), 'Length of a role session.'),
  clusterJwks: setting(
    'CLUSTER_JWKS',
    '',
    text,
    'Trusts a cluster by its keys: `api-server` of the cluster this runs in, an http(s) URL, or a file, read again for every token.',
  ),
  clusterIssuer: setting(
    'CLUSTER_ISSUER',
    '',
    text,
    "Issuer of that cluster's service account tokens. Default: the issuer of this process's own token.",
  ),
} as const
