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
