import { PREFIX } from '../../injection/annotations/raw-annotations.ts'

/** Everything that the chart makes has this name: there is one installation in a cluster. */
export const INSTALLATION = 'aws-outbound-jwt-injector'
/** Where the documentation installs it. */
export const NAMESPACE = 'outbound-jwt-system'
/** EKS's own hook, which gives a pod its role. */
export const EKS_HOOK = 'pod-identity-webhook'

/** @returns a pod that asks for a token and that every PodSecurity level admits; with a service account, its role comes from there. */
export function samplePod(serviceAccountName?: string): object {
  const role = { [`${PREFIX}role-arn`]: 'arn:aws:iam::123456789012:role/check', [`${PREFIX}region`]: 'us-east-1' }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: 'outbound-jwt-check-',
      annotations: {
        [`${PREFIX}inject`]: 'true',
        [`${PREFIX}hosts`]: 'api.partner.example',
        ...(serviceAccountName === undefined && role),
      },
    },
    spec: {
      ...(serviceAccountName !== undefined && { serviceAccountName }),
      containers: [
        {
          name: 'application',
          image: 'registry.example/application:1',
          securityContext: {
            allowPrivilegeEscalation: false,
            runAsNonRoot: true,
            capabilities: { drop: ['ALL'] },
            seccompProfile: { type: 'RuntimeDefault' },
          },
        },
      ],
    },
  }
}
