/** What doctor looks at, in the order of its report. The ids never change; docs/doctor.md is made from this table. */
export const CHECKS = {
  region: 'The AWS region is set: AWS_REGION, or AWS_DEFAULT_REGION.',
  credentials: 'There are AWS credentials; from where, and how long their session lasts.',
  sts: 'STS answers in that region.',
  role: 'Whose credentials they are, as STS says; against EXPECTED_ROLE_ARN when it is set.',
  federation: 'Outbound web identity federation is enabled in the account.',
  token:
    'A new token for each route: its claims, its life against what was asked for, its size. With an exchange, the source token that was given to the token endpoint, and what came of it. Never a token itself.',
  registration:
    'What the partner of each token must register: issuer, subject, audience and algorithm, byte for byte as the token has them.',
  endpoint: "With an exchange: whether the partner's token endpoint answers, be it with a refusal.",
  clock: "This machine's clock against the one of STS.",
  discovery:
    'The OpenID configuration of each issuer: whether its `issuer` equals the `iss` of the token and the URL it was read from, byte for byte, and which members are missing that OpenID Connect Discovery requires.',
  jwks: "The issuer's keys: whether the token verifies with one of them.",
  files: 'For each token file: whether it is there, and when it was written. Never what is in it.',
  certificate:
    'For each route with a client certificate: whom it names, how long it is valid, and whether the files can be used. Never the key.',
  partner:
    'For each host without a wildcard: whether its name resolves to an allowed address and its TLS certificate verifies.',
  egress:
    'With an egress proxy: whether it accepts connections. What it refuses stands with the partner, with `sts` or with `token`.',
  authority:
    'With `https: intercept`: the authority of this pod, the names it can sign for, and whether applications that were started before trust it.',
  trust: 'Whether the files that applications trust hold that authority.',
  intercept:
    'For each intercepted host without a wildcard: whether an application that trusts `ca.crt` gets through the proxy to TLS. The partner hears nothing of it.',
  use: 'For each route: whether the application has called it since the sidecar started, and by calls that get the token. A partner that answers most of them with 401 or 403 is named. `skip` when it was not called within the first 10 minutes.',
} as const

export type CheckId = keyof typeof CHECKS
