import { VARIABLES } from '@aws-outbound-jwt-injector/proxy/contract'

/** Variables of the AWS SDK that the sidecar may get. */
export const AWS_VARIABLES = {
  roleArn: 'AWS_ROLE_ARN',
  webIdentityTokenFile: 'AWS_WEB_IDENTITY_TOKEN_FILE',
  region: 'AWS_REGION',
  /** Completes the set by which EKS's hook sees that it has nothing to add. */
  stsRegionalEndpoints: 'AWS_STS_REGIONAL_ENDPOINTS',
  ec2MetadataDisabled: 'AWS_EC2_METADATA_DISABLED',
} as const

/** Everything injection itself may set in the sidecar. */
export const SIDECAR_VARIABLES: ReadonlySet<string> = new Set([
  ...Object.values(VARIABLES),
  ...Object.values(AWS_VARIABLES),
])

/**
 * Credentials that others give the sidecar beyond those: EKS's hook in its two forms, or keys of a Secret.
 * Source: aws/amazon-eks-pod-identity-webhook, pkg/handler/handler.go.
 */
export const CREDENTIAL_VARIABLES: readonly string[] = [
  'AWS_DEFAULT_REGION',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
]

/** Each of them means that a sidecar has credentials. The guard looks for the same. */
export const CREDENTIAL_MARKS: readonly string[] = [
  AWS_VARIABLES.roleArn,
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_ACCESS_KEY_ID',
]

/**
 * How names begin that other injectors add to every container: Azure Workload Identity, Datadog, AKS, OpenTelemetry.
 * SECURITY: only names that neither the proxy nor Node nor the AWS SDK reads.
 */
export const HARMLESS_PREFIXES: readonly string[] = ['AZURE_', 'DD_', 'KUBERNETES_', 'OTEL_']

/** Every injected sidecar has one of these; a sidecar that was written by hand under the same name has none. */
export const INJECTION_MARKS: readonly string[] = [VARIABLES.routes, VARIABLES.tokenFiles]
