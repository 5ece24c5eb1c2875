export const RESTRICTED = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
}

export type Variable = { readonly name: string } & Readonly<Record<string, unknown>>

export const LOOPBACK: Variable = { name: 'LISTEN_ADDR', value: '127.0.0.1:15400' }
export const ROLE: Variable = { name: 'AWS_ROLE_ARN', value: 'arn:aws:iam::123456789012:role/orders' }

/** By it the guard knows our sidecar from one that was written by hand. */
export const ROUTES: Variable = { name: 'ROUTES', value: '[]' }

/** What injection adds, as far as the guard looks at it. */
export const sidecar = (env: readonly Variable[] = [LOOPBACK, ROLE], changes: object = {}): object => ({
  name: 'aws-outbound-jwt-proxy',
  image: 'mirror.example/any-name:1',
  restartPolicy: 'Always',
  env,
  securityContext: RESTRICTED,
  ...changes,
})

export const podSpec = (initContainers: readonly object[] = [], others: readonly object[] = []): object => ({
  ...(initContainers.length > 0 && { initContainers }),
  containers: [{ name: 'application', image: 'registry.example/orders:1', securityContext: RESTRICTED }, ...others],
})

export const pod = (annotations: Readonly<Record<string, string>>, spec: object): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'orders', annotations: prefixed(annotations) },
  spec,
})

/** Adds our prefix to names that have none. */
export const prefixed = (entries: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(entries).map(([name, value]) => [name.includes('/') ? name : `outbound-jwt.io/${name}`, value]),
  )
