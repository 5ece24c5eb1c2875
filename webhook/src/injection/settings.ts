import type { Problem, Route } from '@aws-outbound-jwt-injector/proxy/contract'
import { ROUTE_DEFAULTS, VARIABLES, VERSION } from '@aws-outbound-jwt-injector/proxy/contract'
import type { AnnotationName, SteeringMode } from './annotations/annotations.ts'
import { parseAnnotations } from './annotations/raw-annotations.ts'
import { KNOWN_SIDECARS } from './sidecar/known-sidecars.ts'
import { createRefusals } from './outcome.ts'
import type { SidecarResources } from './sidecar/resources.ts'
import { checkDefaults } from './sidecar/resources.ts'
import { planRoutes } from './annotations/routes.ts'
import { readSteering } from './annotations/steering.ts'
import type { EgressDefaults } from './sidecar/egress.ts'
import { planEgress } from './sidecar/egress.ts'
import { SIDECAR_VARIABLES } from './sidecar/sidecar-variables.ts'

/** What the operator decides for every injection of a cluster. Plain data. */
export interface InjectionSettings extends EgressDefaults {
  readonly version: string
  readonly image: string
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never'
  /** Names of Secrets, added to the pod's own. */
  readonly imagePullSecrets: readonly string[]
  /** null lets the platform choose (OpenShift). */
  readonly runAsUser: number | null
  readonly resources: SidecarResources
  /** Variables of the sidecar only; ours win over them. */
  readonly extraEnv: Readonly<Record<string, string>>
  readonly liveness: boolean
  /** Containers of other injectors; they get no variables unless `containers` names them. */
  readonly knownSidecars: readonly string[]
  /** Used when a pod does not say one. */
  readonly region: string | null
  /** For partners that do not say it. */
  readonly https: Route['https']
  /** For pods that do not say it. */
  readonly steering: SteeringMode
  /**
   * Whether a pod that only its namespace opted in stays as it is until something gives it an AWS role.
   * Else it is injected in any case, and the guard refuses it when nothing did.
   */
  readonly waitsForRole: boolean
  /** Annotations (names without prefix) of pods whose namespace is opted in. */
  readonly defaults: Readonly<Partial<Record<AnnotationName, string>>>
}

/** Everything but the image. */
export const INJECTION_DEFAULTS = {
  version: VERSION,
  imagePullPolicy: 'IfNotPresent',
  imagePullSecrets: [],
  runAsUser: 64532,
  resources: { cpuRequest: '10m', cpuLimit: null, memoryRequest: '64Mi', memoryLimit: '128Mi' },
  extraEnv: {},
  liveness: false,
  knownSidecars: KNOWN_SIDECARS,
  region: null,
  https: ROUTE_DEFAULTS.https,
  steering: 'proxy',
  egressProxy: null,
  egressProxySecret: null,
  waitsForRole: false,
  defaults: {},
} as const satisfies Omit<InjectionSettings, 'image'>

/** @returns what is wrong with settings beyond their types; to be checked once, at start. */
export function settingsProblems(settings: InjectionSettings): readonly Problem[] {
  const { defaults, https, steering, extraEnv, resources } = settings
  const refusals = createRefusals()
  const report = refusals.as('invalid-annotation')
  const annotations = new Map(Object.entries(defaults))
  const values = parseAnnotations(annotations, report)
  const routes = planRoutes(values, annotations, https, report)
  planEgress(values, settings, readSteering(routes, steering, { values, annotations, report }), report)
  checkDefaults(resources, report)
  for (const [name, value] of Object.entries(extraEnv)) {
    if (SIDECAR_VARIABLES.has(name) && name !== VARIABLES.logLevel)
      report({ where: `extraEnv.${name}`, value, allowed: 'a variable that injection does not set itself' })
    if (!/^[A-Za-z_]\w*$/.test(name)) report({ where: 'extraEnv', value: name, allowed: 'the name of a variable' })
  }
  return refusals.problems
}
