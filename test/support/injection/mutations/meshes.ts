// Sidecar injectors of two meshes, reduced to what meets ours: containers, their order, volumes, probes, annotations.
import type { Json } from '../object.ts'
import { at, list, nameOf, object } from '../object.ts'

interface Mesh {
  readonly init: Json
  readonly proxy: Json
  readonly annotation: string
}

const security = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
}

const ISTIO: Mesh = {
  init: { name: 'istio-validation', image: 'registry.example/proxyv2:1', securityContext: security },
  proxy: {
    name: 'istio-proxy',
    image: 'registry.example/proxyv2:1',
    ports: [{ name: 'http-envoy-prom', containerPort: 15090, protocol: 'TCP' }],
    startupProbe: { httpGet: { path: '/healthz/ready', port: 15021 }, failureThreshold: 600, periodSeconds: 1 },
    volumeMounts: [{ name: 'istio-data', mountPath: '/var/lib/istio/data' }],
    securityContext: security,
  },
  annotation: 'sidecar.istio.io/status',
}

const LINKERD: Mesh = {
  init: { name: 'linkerd-network-validator', image: 'registry.example/linkerd:1', securityContext: security },
  proxy: {
    name: 'linkerd-proxy',
    image: 'registry.example/linkerd:1',
    ports: [
      { name: 'linkerd-proxy', containerPort: 4143 },
      { name: 'linkerd-admin', containerPort: 4191 },
    ],
    volumeMounts: [{ name: 'istio-data', mountPath: '/var/run/linkerd' }],
    securityContext: security,
  },
  annotation: 'linkerd.io/proxy-version',
}

export const istioClassic = <T>(pod: T): T => inject(pod, ISTIO, false)
export const istioNative = <T>(pod: T): T => inject(pod, ISTIO, true)
export const linkerdClassic = <T>(pod: T): T => inject(pod, LINKERD, false)
export const linkerdNative = <T>(pod: T): T => inject(pod, LINKERD, true)

/** Native: network set-up and proxy before every other init container. Classic: set-up last, proxy first of the containers. */
function inject<T>(pod: T, { init, proxy, annotation }: Mesh, native: boolean): T {
  const result = structuredClone(pod)
  const spec = object(at(result, 'spec'))
  if ([...list(spec['initContainers']), ...list(spec['containers'])].some((c) => nameOf(c) === nameOf(proxy)))
    return result
  const inits = list(spec['initContainers'])
  const containers = list(spec['containers'])
  spec['initContainers'] = native ? [init, { ...proxy, restartPolicy: 'Always' }, ...inits] : [...inits, init]
  if (!native) spec['containers'] = [proxy, ...containers]
  for (const container of containers) rewriteProbes(container)
  spec['volumes'] = [...list(spec['volumes']), { name: 'istio-data', emptyDir: {} }]
  const metadata = object(at(result, 'metadata'))
  const annotations = { ...object(metadata['annotations']), [annotation]: 'injected' }
  object(result)['metadata'] = { ...metadata, annotations }
  return result
}

/** HTTP probes go to the agent, which asks the application. */
function rewriteProbes(container: Json): void {
  for (const kind of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = object(container[kind])
    if (probe['httpGet'] !== undefined)
      container[kind] = { ...probe, httpGet: { path: `/app-health/${nameOf(container)}/${kind}`, port: 15020 } }
  }
}
