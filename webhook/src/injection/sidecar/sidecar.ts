import type { V1Container, V1EnvVar, V1Probe, V1ResourceRequirements, V1SecurityContext } from '@kubernetes/client-node'
import {
  ADMIN_PATHS,
  PROBE_COMMAND,
  PROXY_CONTAINER,
  VARIABLES,
  formatRoutes,
} from '@aws-outbound-jwt-injector/proxy/contract'
import type { AnnotationValues } from '../annotations/annotations.ts'
import type { SidecarParts } from './credentials.ts'
import type { PlannedRoute } from '../annotations/routes-yaml.ts'
import type { InjectionSettings } from '../settings.ts'

/** Exec, because meshes rewrite or capture HTTP and TCP probes; an Istio that starts after us would deadlock the pod. */
export const STARTUP_PROBE: V1Probe = {
  exec: { command: [...PROBE_COMMAND] },
  timeoutSeconds: 5,
  periodSeconds: 1,
  failureThreshold: 30,
}

/** What the annotations of a pod give its sidecar. */
interface SidecarContents {
  readonly values: AnnotationValues
  readonly variables: readonly V1EnvVar[]
  readonly mounts: SidecarParts['mounts']
}

/** @returns the native sidecar: an init container that keeps running and never holds up the end of a Job. */
export function buildSidecar(
  { values, variables, mounts }: SidecarContents,
  resources: V1ResourceRequirements | undefined,
  settings: InjectionSettings,
): V1Container {
  const adminPort = values['admin-port']
  return {
    name: PROXY_CONTAINER,
    image: settings.image,
    imagePullPolicy: settings.imagePullPolicy,
    restartPolicy: 'Always',
    ports: [{ name: 'outbound-jwt', containerPort: adminPort, protocol: 'TCP' }],
    env: [...variables],
    ...(resources && { resources }),
    ...(mounts.length > 0 && { volumeMounts: [...mounts] }),
    startupProbe: STARTUP_PROBE,
    ...(settings.liveness && { livenessProbe: { httpGet: { path: ADMIN_PATHS.livez, port: adminPort } } }),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: securityContext(settings.runAsUser),
  }
}

/** SECURITY: everything Pod Security's restricted profile asks for, and no writable file system. */
function securityContext(runAsUser: number | null): V1SecurityContext {
  return {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    ...(runAsUser !== null && { runAsUser, runAsGroup: runAsUser }),
    seccompProfile: { type: 'RuntimeDefault' },
  }
}

interface VariableSources {
  readonly values: AnnotationValues
  readonly routes: readonly PlannedRoute[]
  /** In their order. */
  readonly parts: readonly SidecarParts[]
}

/** The operator's variables first; one of ours of the same name takes its place. */
export function sidecarVariables(
  { values, routes, parts }: VariableSources,
  extraEnv: InjectionSettings['extraEnv'],
): readonly V1EnvVar[] {
  const text = formatRoutes(routes.map(({ route }) => route))
  const hasRoutes = routes.length > 0
  const ours: V1EnvVar[] = [
    // SECURITY: loopback only; whoever reaches this port calls the partners as this pod.
    ...(hasRoutes ? [{ name: VARIABLES.listenAddr, value: `127.0.0.1:${values['proxy-port']}` }] : []),
    { name: VARIABLES.adminListenAddr, value: `[::]:${values['admin-port']}` },
    ...(hasRoutes ? [{ name: VARIABLES.routes, value: withoutExpansion(text) }] : []),
    ...parts.flatMap(({ env }) => env),
  ]
  if (values.unmatched !== undefined) ours.push({ name: VARIABLES.unmatched, value: values.unmatched })
  if (values['log-level'] !== undefined) ours.push({ name: VARIABLES.logLevel, value: values['log-level'] })
  const extra = Object.entries(extraEnv).map(([name, value]): V1EnvVar => ({ name, value }))
  return [...new Map([...extra, ...ours].map((variable) => [variable.name, variable])).values()]
}

/** The kubelet expands `$(NAME)` and takes `$$` for `$`; an author's text must arrive as written. */
export const withoutExpansion = (text: string): string => text.replaceAll('$', '$$$$')
