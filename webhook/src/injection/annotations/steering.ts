import type { HostPattern, Report } from '@aws-outbound-jwt-injector/proxy/contract'
import { CONTROL_PORT, readHostPattern, show } from '@aws-outbound-jwt-injector/proxy/contract'
import type { AnnotationName, AnnotationValues, SteeringMode } from './annotations.ts'
import type { RawAnnotations } from './raw-annotations.ts'
import { PREFIX } from './raw-annotations.ts'
import { placeOfRoute } from './routes.ts'
import type { PlannedRoute } from './routes-yaml.ts'

/** Names of partners that lead to the sidecar inside the pod, whatever program asks for them. */
export interface Steering {
  /** Exact names, in the order of the routes. */
  readonly hosts: readonly string[]
  /** On which the sidecar listens for them, in ascending order. */
  readonly ports: readonly number[]
}

/** RFC 9110 §4.2.1. */
const HTTP_PORT = 80

/** A host alias reaches every container of the pod and no other host, so these would say what is not so. */
const WITHOUT_MEANING: readonly AnnotationName[] = ['containers', 'skip-containers', 'unmatched', 'no-proxy']

const BACK = `or ${PREFIX}steering set to proxy`

interface Place {
  readonly values: AnnotationValues
  readonly annotations: RawAnnotations
  readonly report: Report
}

/**
 * Reads how calls come to the sidecar.
 * @param mode for pods that do not say it.
 * @returns undefined where variables name the proxy.
 */
export function readSteering(routes: readonly PlannedRoute[], mode: SteeringMode, place: Place): Steering | undefined {
  const { values, annotations, report } = place
  if ((values.steering ?? mode) !== 'hosts') return undefined
  for (const name of WITHOUT_MEANING.filter((other) => annotations.has(other)))
    report({
      where: PREFIX + name,
      value: show(annotations.get(name)),
      allowed: `no ${PREFIX}${name} with steering by hosts, which reaches every container and no other host; ${BACK}`,
    })
  if (values['env-policy'] === 'chain')
    report({
      where: `${PREFIX}env-policy`,
      value: 'chain',
      allowed: `another value with steering by hosts, with which containers keep their proxy; ${PREFIX}egress-proxy names one for the sidecar, ${BACK}`,
    })
  routes.forEach((planned, index) => rejectUnsteerable(planned, index, place))
  const patterns = routes.flatMap(({ route }) => route.hosts.map(readHostPattern))
  return {
    hosts: patterns.filter(({ wildcard }) => !wildcard).map(({ host }) => host),
    ports: [...new Set([HTTP_PORT, ...routes.flatMap(interceptedPorts)])].sort((a, b) => a - b),
  }
}

/** An `https://` URL arrives at the partner's own TLS port; it can be answered only where the sidecar has a certificate. */
function interceptedPorts({ route }: PlannedRoute): readonly number[] {
  return route.https === 'intercept' ? route.hosts.map((text) => readHostPattern(text).port) : []
}

function rejectUnsteerable(planned: PlannedRoute, index: number, { values, annotations, report }: Place): void {
  const where = (field: 'hosts' | 'https'): string => placeOfRoute(annotations)(index, field)
  const { https, hosts } = planned.route
  if (https === 'tunnel')
    report({
      where: where('https'),
      value: https,
      allowed: `refuse or intercept with steering by hosts, because a tunnel would lead back to this pod; ${BACK}`,
    })
  const taken = https === 'intercept' ? [HTTP_PORT, CONTROL_PORT, values['proxy-port'], values['admin-port']] : []
  for (const text of hosts) {
    const problem = objectionTo(readHostPattern(text), taken)
    if (problem !== undefined) report({ where: where('hosts'), value: text, allowed: `${problem}; ${BACK}` })
  }
}

function objectionTo({ wildcard, port }: HostPattern, taken: readonly number[]): string | undefined {
  if (wildcard) return 'exact hosts with steering by hosts, because a hosts file has no wildcards'
  if (taken.includes(port)) return `a port other than ${port}, on which the sidecar already listens`
  return undefined
}
