import type { AnnotationValues } from './annotations.ts'
import { PARTNER_ANNOTATIONS } from './annotations.ts'
import { caVolume } from './ca.ts'
import { planCredentials } from './credentials.ts'
import { environmentOperations } from './environment-edits.ts'
import { planEnvironment } from './environment.ts'
import { rejectImpossible, rejectVolumes } from './impossible.ts'
import { objectsAt, textAt } from './json.ts'
import type { Keys } from './keys.ts'
import { PREFIX, STATUS, parseKeys } from './keys.ts'
import type { JsonPatchOperation } from './patch.ts'
import { appendTo, insertInto, setAnnotation } from './patch.ts'
import type { Pod } from './pod.ts'
import type { Refusals } from './refusals.ts'
import { createRefusals } from './refusals.ts'
import { planResources } from './resources.ts'
import { planRoutes } from './routes.ts'
import { selectContainers, sidecarIndex } from './selection.ts'
import type { InjectionSettings } from './settings.ts'
import { checkShape } from './shape.ts'
import { buildSidecar } from './sidecar.ts'
import { formatStatus } from './status.ts'
import { createWarnings } from './warnings.ts'

/** Everything an injection would do, and everything that stands against it. */
export interface InjectionPlan {
  readonly refusals: Refusals
  /** Empty when there is a refusal. */
  readonly patch: readonly JsonPatchOperation[]
  readonly warnings: readonly string[]
}

/** Malformed and impossible are found together, so that an author sees every problem at once. */
export function planInjection(
  pod: Pod,
  keys: Keys,
  mode: 'pod' | 'namespace',
  settings: InjectionSettings,
): InjectionPlan {
  const refusals = createRefusals()
  const { warn, lines } = createWarnings()
  checkShape(pod, refusals.as('invalid-pod'))
  rejectMissingInject(keys, mode, refusals)
  const wishes = mode === 'namespace' ? withDefaults(keys, settings.defaults) : keys
  const values = parseKeys(wishes, refusals.as('invalid-annotation'))
  rejectImpossible(pod, values, refusals, warn)
  const routes = planRoutes(values, wishes, refusals.as('invalid-annotation'))
  rejectNoPartner(wishes, refusals)
  const credentials = planCredentials(values['role-arn'], chooseRegion(values, settings, refusals))
  const volumes = [...credentials.volumes, ...routes.flatMap(({ ca }) => (ca ? [caVolume(ca)] : []))]
  rejectVolumes(pod, volumes, refusals)
  const containers = selectContainers(pod, values, settings.knownSidecars, refusals)
  const environment = planEnvironment(containers, { values, routes, refusals, warn })
  const resources = planResources(pod, values, settings.resources, refusals)
  if (refusals.problems.length > 0) return { refusals, patch: [], warnings: lines() }
  const sidecar = buildSidecar({ values, routes, credentials, resources }, settings)
  const secrets = missingPullSecrets(pod, settings.imagePullSecrets)
  const patch = [
    // Indexes of init containers hold until the sidecar goes in.
    ...environment.flatMap(({ container, edits }) => environmentOperations(container, edits)),
    ...insertInto(pod.spec, '/spec', 'initContainers', { index: sidecarIndex(pod), values: [sidecar] }),
    ...appendTo(pod.spec, '/spec', 'volumes', volumes),
    ...appendTo(pod.spec, '/spec', 'imagePullSecrets', secrets),
    setAnnotation(pod.raw, PREFIX + STATUS, formatStatus(settings.version, keys, lines())),
  ]
  return { refusals, patch, warnings: lines() }
}

/** A default names a partner only where the pod names none, so that no audience ever meets a host it was not made for. */
function withDefaults(keys: Keys, defaults: InjectionSettings['defaults']): Keys {
  const partners: readonly string[] = [...PARTNER_ANNOTATIONS, 'routes']
  const names = ['hosts', 'audience', 'routes'].some((name) => keys.has(name))
  const applicable = Object.entries(defaults).filter(([name]) => !(names && partners.includes(name)))
  return new Map<string, unknown>([...applicable, ...keys])
}

function rejectMissingInject(keys: Keys, mode: 'pod' | 'namespace', { report }: Refusals): void {
  const [first] = keys.keys()
  if (mode === 'pod' && first !== undefined && !keys.has('inject'))
    report('missing-inject', {
      where: `${PREFIX}inject`,
      value: 'nothing',
      allowed: `true beside ${PREFIX}${first}, or no annotation of ours`,
    })
}

function rejectNoPartner(wishes: Keys, { report }: Refusals): void {
  if (!['hosts', 'audience', 'routes'].some((name) => wishes.has(name)))
    report('no-audience', {
      where: `${PREFIX}hosts`,
      value: 'nothing',
      allowed: `at least one partner host, in ${PREFIX}hosts, ${PREFIX}audience or ${PREFIX}routes`,
    })
}

function chooseRegion(values: AnnotationValues, settings: InjectionSettings, { report }: Refusals): string | undefined {
  const region = values.region ?? settings.region ?? undefined
  if (values['role-arn'] !== undefined && region === undefined)
    report('missing-region', {
      where: `${PREFIX}region`,
      value: 'nothing',
      allowed: `an AWS region beside ${PREFIX}role-arn, such as eu-central-1, here or in the chart`,
    })
  return region
}

function missingPullSecrets(pod: Pod, wanted: readonly string[]): readonly object[] {
  const present = new Set(objectsAt(pod.spec, 'imagePullSecrets').map((secret) => textAt(secret, 'name')))
  return wanted.filter((name) => !present.has(name)).map((name) => ({ name }))
}
