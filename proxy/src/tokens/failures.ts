import { ProxyError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import { EXCHANGE_FAILURES } from './exchanges/failures.ts'

/**
 * Who can end a failure: time (`transient`), a new AWS session (`credentials`), a longer one (`duration`), or a person (`config`).
 * The class decides how soon STS is asked again, see `pauseAfter`.
 */
export type FailureClass = 'transient' | 'credentials' | 'duration' | 'config'

/** What failed: getting the source token, or exchanging it for what the partner takes. */
export type Step = 'source' | 'exchange'

export interface FailureRow {
  /** Absent where both steps can end like this. */
  readonly step?: Step
  readonly class: FailureClass
  readonly code: Extract<ErrorCode, 'token_denied' | 'token_unavailable' | 'token_timeout'>
  readonly meaning: string
  /** What to run or change. */
  readonly hint: string
}

/** Doctor, which knows the environment, names the address in its place. */
export const STS_ADDRESS = 'sts.<region>.amazonaws.com:443'

/** Every way in which minting fails. The keys are in logs and doctor; docs/token-failures.md is made from this table. */
export const FAILURES = {
  federation_disabled: {
    step: 'source',
    class: 'config',
    code: 'token_denied',
    meaning: 'Outbound web identity federation is disabled in the AWS account.',
    hint: 'Run: aws iam enable-outbound-web-identity-federation. It takes effect within seconds; the proxy retries by itself.',
  },
  access_denied: {
    step: 'source',
    class: 'config',
    code: 'token_denied',
    meaning: 'IAM does not let the role mint this token.',
    hint: 'Allow the role sts:GetWebIdentityToken. Its conditions must admit the audience (sts:IdentityTokenAudience), the duration (sts:DurationSeconds) and the algorithm (sts:SigningAlgorithm); a longer duration than the policy allows is denied too.',
  },
  tags_denied: {
    step: 'source',
    class: 'config',
    code: 'token_denied',
    meaning: 'IAM does not let the role put tags into a token.',
    hint: 'Allow the role sts:TagGetWebIdentityToken for these tags (aws:RequestTag, aws:TagKeys), or remove the outbound-jwt.io/tags annotation.',
  },
  explicitly_denied: {
    step: 'source',
    class: 'config',
    code: 'token_denied',
    meaning: 'A policy denies the role this token explicitly.',
    hint: 'Look for a Deny on sts:GetWebIdentityToken in the policies of the role, its permissions boundary, service and resource control policies, and the VPC endpoint.',
  },
  federated_user: {
    step: 'source',
    class: 'config',
    code: 'token_denied',
    meaning: 'The credentials are of a federated user, which cannot mint tokens.',
    hint: 'Use the credentials of a role: IRSA, EKS Pod Identity or AssumeRole, not GetFederationToken.',
  },
  role_not_assumable: {
    step: 'source',
    class: 'config',
    code: 'token_denied',
    meaning: 'The service account may not assume the role.',
    hint: "Let the role's trust policy allow sts:AssumeRoleWithWebIdentity for this cluster's OIDC provider, this namespace and service account, and audience sts.amazonaws.com.",
  },
  global_endpoint: {
    step: 'source',
    class: 'config',
    code: 'token_denied',
    meaning: 'This endpoint of STS does not mint these tokens; the global one never does.',
    hint: 'Set the outbound-jwt.io/region annotation, or AWS_REGION, to a region that does, such as eu-central-1.',
  },
  region_missing: {
    step: 'source',
    class: 'config',
    code: 'token_denied',
    meaning: 'No AWS region is set.',
    hint: 'Set the outbound-jwt.io/region annotation, or AWS_REGION in the sidecar.',
  },
  wrong_region: {
    step: 'source',
    class: 'config',
    code: 'token_denied',
    meaning: 'The STS that is called is of another region than the one that is set, or the region does not exist.',
    hint: 'Correct the outbound-jwt.io/region annotation or AWS_REGION, or AWS_ENDPOINT_URL_STS when it is set (doctor: region).',
  },
  region_disabled: {
    step: 'source',
    class: 'config',
    code: 'token_denied',
    meaning: 'STS is not activated in this region.',
    hint: 'Activate STS for the region in the account settings of IAM, or set the outbound-jwt.io/region annotation to another.',
  },
  invalid_request: {
    step: 'source',
    class: 'config',
    code: 'token_denied',
    meaning: 'STS does not accept the parameters of the token.',
    hint: 'Check audience, duration, signing-algorithm and tags of the route; tag keys must differ in more than case.',
  },
  payload_too_large: {
    step: 'source',
    class: 'config',
    code: 'token_denied',
    meaning: 'The claims of the token exceed the limit of STS.',
    hint: 'Shorten or remove tags: those of the route, of the role and of its session all become claims.',
  },
  token_too_large: {
    class: 'config',
    code: 'token_denied',
    meaning: 'The token is larger than any server takes in a header.',
    hint: 'Shorten or remove tags: those of the route, of the role and of its session all become claims, as does the path of its organizational unit. With an exchange, ask the partner for fewer scopes or claims.',
  },
  subject_mismatch: {
    step: 'source',
    class: 'config',
    code: 'token_denied',
    meaning: 'The token is of another role than the pod expects.',
    hint: 'Compare EXPECTED_ROLE_ARN with the role of the service account; credentials of the node or in the environment must not win.',
  },
  no_credentials: {
    step: 'source',
    class: 'config',
    code: 'token_denied',
    meaning: 'The service account of the pod has no AWS role.',
    hint: 'Give the service account a role (IRSA or an EKS Pod Identity association), or set the outbound-jwt.io/role-arn annotation; then recreate the pod.',
  },
  token_file_unreadable: {
    step: 'source',
    class: 'credentials',
    code: 'token_unavailable',
    meaning: 'The token of the service account cannot be read.',
    hint: 'Check that the file in AWS_WEB_IDENTITY_TOKEN_FILE or AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, or with source kubernetes that in subjectTokenFile, is mounted and readable for user 64532.',
  },
  identity_token_refused: {
    step: 'source',
    class: 'credentials',
    code: 'token_unavailable',
    meaning: "STS does not accept the service account's token.",
    hint: "Check that IAM has an OIDC provider for this cluster's issuer with audience sts.amazonaws.com; right after creating it, wait a minute. If that worked before, check the clock of the node.",
  },
  identity_token_expired: {
    step: 'source',
    class: 'credentials',
    code: 'token_unavailable',
    meaning: "The service account's token has expired.",
    hint: 'The kubelet renews it; check the clock of the node and the kubelet.',
  },
  credentials_refused: {
    step: 'source',
    class: 'credentials',
    code: 'token_unavailable',
    meaning: 'STS does not accept the AWS credentials.',
    hint: 'Check the clock of the node, and that the role still exists. Credentials in AWS_ACCESS_KEY_ID are not renewed by anybody.',
  },
  issuer_unreachable: {
    step: 'source',
    class: 'credentials',
    code: 'token_unavailable',
    meaning: "STS cannot fetch the keys of the cluster's issuer.",
    hint: "The issuer of the cluster must be reachable from the internet, or its keys kept in IAM's OIDC provider. The proxy retries by itself.",
  },
  pod_identity_refused: {
    step: 'source',
    class: 'credentials',
    code: 'token_unavailable',
    meaning: 'The EKS Pod Identity agent refuses to give credentials.',
    hint: 'Check that the association of this namespace and service account exists (aws eks list-pod-identity-associations), and that the trust policy of its role allows pods.eks.amazonaws.com both sts:AssumeRole and sts:TagSession.',
  },
  credentials_unreachable: {
    step: 'source',
    class: 'credentials',
    code: 'token_unavailable',
    meaning: 'The source of the AWS credentials does not answer, or with nothing of use.',
    hint: 'With EKS Pod Identity, check that its agent runs on the node and that a network policy allows 169.254.170.23:80.',
  },
  session_too_short: {
    step: 'source',
    class: 'duration',
    code: 'token_unavailable',
    meaning: 'The AWS session ends before the token would.',
    hint: 'A token cannot outlive its session. Shorten the outbound-jwt.io/duration annotation; with default IRSA a session lasts one hour.',
  },
  throttled: {
    step: 'source',
    class: 'transient',
    code: 'token_unavailable',
    meaning: 'STS limits the rate of requests.',
    hint: 'Other callers of the account and region count too. The proxy retries by itself.',
  },
  sts_unavailable: {
    step: 'source',
    class: 'transient',
    code: 'token_unavailable',
    meaning: 'STS answers with a server error.',
    hint: 'Check the AWS Health Dashboard. The proxy retries by itself.',
  },
  egress_proxy_failed: {
    class: 'transient',
    code: 'token_unavailable',
    meaning: 'The egress proxy gives no connection to STS or to the token endpoint.',
    hint: 'The log says what the egress proxy answered, with a code of docs/errors.md. Run doctor in the sidecar: /nodejs/bin/node /app/doctor.mjs',
  },
  sts_unreachable: {
    step: 'source',
    class: 'transient',
    code: 'token_unavailable',
    meaning: 'STS cannot be reached.',
    hint: `Check DNS and that a network policy, security group or firewall allows ${STS_ADDRESS}.`,
  },
  sts_timeout: {
    step: 'source',
    class: 'transient',
    code: 'token_timeout',
    meaning: 'STS did not answer in time.',
    hint: `Check that the pod reaches ${STS_ADDRESS}.`,
  },
  unusable_answer: {
    class: 'transient',
    code: 'token_unavailable',
    meaning: 'The answer holds no token that can be used.',
    hint: 'Something between the pod and STS or the token endpoint may answer in its place; check proxies, VPC endpoints, AWS_ENDPOINT_URL_STS and the URL of the exchange.',
  },
  ...EXCHANGE_FAILURES,
  unknown: {
    class: 'transient',
    code: 'token_unavailable',
    meaning: 'Minting failed for a reason the proxy does not know.',
    hint: 'See the log of the sidecar, and run doctor in it: /nodejs/bin/node /app/doctor.mjs',
  },
} as const satisfies Record<string, FailureRow>

export type FailureReason = keyof typeof FAILURES

interface FailureDetail {
  /** What to wait before asking again, as the other side wishes. */
  readonly retryAfterMs?: number | undefined
  /** The partner's words, redacted; the client of the proxy gets to see them. */
  readonly said?: string
}

/** What a partner that refused a token was given; a part of its evidence. */
interface SourceEvidence {
  readonly algorithm: string
  readonly issuer: string
  readonly subject: string
  readonly audience: readonly string[]
  readonly claims: Readonly<Record<string, unknown>>
}

/** Why a token could not be minted. */
export class TokenFailure extends Error {
  override readonly name = 'TokenFailure'
  readonly reason: FailureReason
  /** Where both steps can end like this, the exchange says which one did. */
  step: Step
  /** What was minted before an exchange failed. */
  subject: SourceEvidence | undefined
  readonly retryAfterMs: number | undefined
  readonly said: string | undefined

  /** @param detail what exactly was found, for logs and doctor. SECURITY: no token, no credential. */
  constructor(reason: FailureReason, detail?: string, { retryAfterMs, said }: FailureDetail = {}) {
    super(detail ?? FAILURES[reason].meaning)
    this.reason = reason
    this.step = this.row.step ?? 'source'
    this.retryAfterMs = retryAfterMs
    this.said = said
  }

  get row(): FailureRow {
    return FAILURES[this.reason]
  }
}

/** @returns what the client of the proxy gets to see. AWS's own words stay in the log: they name accounts and sessions. */
export function toProxyError(failure: TokenFailure, retryAfterMs?: number): ProxyError {
  const { code, meaning, hint } = failure.row
  return new ProxyError(code, {
    message: failure.said === undefined ? meaning : `${meaning} It says: ${failure.said}`,
    hint,
    cause: failure,
    ...(retryAfterMs !== undefined && { retryAfterSeconds: Math.max(1, Math.ceil(retryAfterMs / 1000)) }),
  })
}

/** @returns what an error of the egress proxy is to whoever wanted a token; undefined for any other error. */
export function egressFailure(error: unknown): TokenFailure | undefined {
  if (!(error instanceof ProxyError) || !error.code.startsWith('egress_proxy_')) return undefined
  return new TokenFailure('egress_proxy_failed', `${error.code}: ${error.message}`)
}
