/** Containers that meshes and agents inject; they must not send their own calls through our proxy. */
export const KNOWN_SIDECARS = [
  'istio-proxy',
  'istio-init',
  'istio-validation',
  'linkerd-proxy',
  'linkerd-init',
  'linkerd-network-validator',
  'vault-agent',
  'vault-agent-init',
  'consul-dataplane',
  'daprd',
  'cloud-sql-proxy',
] as const

/** Proxies that carry the traffic of the pod; run natively, they must start before us. */
export const MESH_PROXIES: ReadonlySet<string> = new Set(['istio-proxy', 'linkerd-proxy', 'consul-dataplane'])
