import type { V1VolumeMount } from '@kubernetes/client-node'
import { readHostPattern } from '@aws-outbound-jwt-injector/proxy/contract'
import type { AnnotationValues } from '../annotations/annotations.ts'
import type { FirstProxied } from './bypass.ts'
import { createFirstProxied } from './bypass.ts'
import type { EnvironmentEdit } from './environment-edits.ts'
import { changes, indexAfter, lateReferences, referencesOf } from './environment-edits.ts'
import type { EnvConflict } from './env-conflict.ts'
import { findConflicts, isProxyVariable, isSettled } from './env-conflict.ts'
import { createHttpsUrls, warnOfHttpsUrls } from './https-urls.ts'
import type { HttpsUrls } from './https-urls.ts'
import { findOwnProxies } from './own-proxy.ts'
import { TOKENS_MOUNT, planSdks, readSdks } from './sdk.ts'
import type { SdkEnvironment } from './sdk.ts'
import { TRUST_STORE, hasHostsFile, hasJavaOptions, javaOptions } from './java.ts'
import { TRUST_MOUNT, isOurTrust, planTrust, rejectMounts } from './trust.ts'
import { isSame } from '../pod/additions.ts'
import { listAt, objectsAt } from '../pod/json.ts'
import { PREFIX } from '../annotations/raw-annotations.ts'
import type { Steering } from '../annotations/steering.ts'
import { rejectHostsFile } from '../pod/steering.ts'
import type { Coverage } from './no-proxy-coverage.ts'
import { createCoverage } from './no-proxy-coverage.ts'
import { conflict, planNoProxy } from './no-proxy-plan.ts'
import type { DirectHosts } from './no-proxy.ts'
import { directHosts } from './no-proxy.ts'
import type { Container, Variable } from '../pod/pod.ts'
import { placeOf, variablesOf } from '../pod/pod.ts'
import type { Refusals, Warn } from '../outcome.ts'
import type { PlannedRoute } from '../annotations/routes-yaml.ts'
import type { PlannedTokenFile } from '../annotations/token-files.ts'
import { rejectOversizedNoProxy } from '../pod/size.ts'

/** What one container gets. */
export interface ContainerPlan {
  readonly container: Container
  readonly edits: readonly EnvironmentEdit[]
  readonly mounts: readonly V1VolumeMount[]
}

interface Outcome {
  readonly refusals: Refusals
  readonly warn: Warn
}

interface Revisit extends Outcome {
  /** Whether the containers have been through this before: what they have of ours is then no conflict. */
  readonly isInjected: boolean
}

/** What the variables of every container of a pod are made from. */
export interface Environment {
  readonly proxyUrl: string
  readonly direct: DirectHosts
  readonly coverage: Coverage
  /** Of volumes that the sidecar shares. */
  readonly mounts: readonly V1VolumeMount[]
  readonly policy: AnnotationValues['env-policy']
  /** Whether `https://` URLs of a partner go through the proxy. */
  readonly intercepts: boolean
  readonly hasExtraCa: boolean
  readonly httpsUrls: HttpsUrls
  readonly node: boolean
  /** undefined where Java needs none. */
  readonly java: string | undefined
  /** In what Java needs. */
  readonly javaReferences: ReadonlySet<string>
  /** Then no variable names the proxy. */
  readonly steering: Steering | undefined
  /** Of the steered hosts. */
  readonly firstProxied: FirstProxied | undefined
  /** Whether variables name the proxy: not with steering by hosts, nor where there are only token files. */
  readonly hasProxy: boolean
  readonly sdks: SdkEnvironment
}

/**
 * Plans the variables and mounts of the containers that get them; a container that is kept as it is has no plan.
 * What a container has already is left out, so that an injected one has an empty plan as long as it leads to us.
 */
export function planEnvironment(
  containers: readonly Container[],
  environment: Environment,
  { refusals, warn, isInjected }: Revisit,
): readonly ContainerPlan[] {
  const read = containers.map((container) => ({ container, variables: variablesOf(container) }))
  if (rejectOversizedNoProxy(read, refusals)) return []
  const plans: ContainerPlan[] = []
  let kept: string | undefined
  let changed = 0
  for (const { container, variables } of read) {
    const foreign = isInjected ? variables.filter((variable) => !leadsToUs(variable, environment)) : variables
    const conflicts = [...ownProxies(variables, environment), ...findConflicts(foreign, environment)]
    if (conflicts[0] && environment.policy === 'keep') {
      kept ??= conflicts[0].name
      warn(`${placeOf(container)} keeps its own ${conflicts[0].name}: ${lossOf(conflicts[0], environment)}`)
      const tokens = { mounts: environment.mounts.filter((mount) => mount === TOKENS_MOUNT) }
      const mounts = planMounts(container, tokens, isInjected, refusals)
      if (mounts.length > 0) plans.push({ container, edits: [], mounts })
      continue
    }
    changed += 1
    rejectConflicts(container, conflicts, environment.policy, refusals)
    if (environment.steering) rejectHostsFile(container, refusals)
    warnOfHttpsUrls(container, variables, environment.httpsUrls, warn)
    const edits = planContainer(container, variables, environment, { refusals, warn }).filter(changes)
    plans.push({ container, edits, mounts: planMounts(container, environment, isInjected, refusals) })
  }
  if (changed === 0 && containers.length > 0)
    refusals.report('no-container', {
      where: `${PREFIX}env-policy`,
      value: 'keep',
      allowed: `at least one container that gets the variables; override, or remove ${kept ?? 'HTTP_PROXY'} from one`,
    })
  return plans
}

function planMounts(
  container: Container,
  { mounts }: Pick<Environment, 'mounts'>,
  isInjected: boolean,
  refusals: Refusals,
): readonly V1VolumeMount[] {
  const present = objectsAt(container.raw, 'volumeMounts')
  const others = isInjected ? present.filter((mount) => !mounts.some((other) => isSame(mount, other))) : present
  for (const ours of mounts) rejectMounts(container, others, ours, refusals)
  return mounts.filter((mount) => !present.some((other) => isSame(mount, other)))
}

/** Whether a variable says what injection makes it say. */
function leadsToUs({ name, value }: Variable, environment: Environment): boolean {
  const { proxyUrl, intercepts, java, coverage, sdks } = environment
  if (value === undefined) return false
  if (sdks.variables.has(name)) return sdks.variables.get(name) === value
  if (name === 'JAVA_TOOL_OPTIONS') return java !== undefined && hasJavaOptions(value, java, coverage)
  return isProxyVariable(name, intercepts) ? value === proxyUrl : intercepts && isOurTrust(name, value)
}

const ownProxies = (
  variables: readonly Variable[],
  { firstProxied, intercepts }: Environment,
): readonly EnvConflict[] => (firstProxied ? findOwnProxies(variables, firstProxied, intercepts) : [])

function rejectConflicts(
  container: Container,
  conflicts: readonly EnvConflict[],
  policy: Environment['policy'],
  { report }: Refusals,
): void {
  for (const { reason, name, shown, allowed } of conflicts.filter((other) => !isSettled(other, policy)))
    report(reason, { where: `${placeOf(container)}.env[${name}]`, value: shown, allowed })
}

/** A steered name leads every container to the sidecar, also one that does not trust it. */
const lossOf = ({ name, reason }: EnvConflict, { steering, sdks }: Environment): string =>
  sdks.variables.has(name)
    ? 'its SDK does not read the token file'
    : steering && reason === 'trust-conflict'
      ? 'its https calls of partners fail'
      : 'its calls get no token'

interface Sending {
  readonly routes: readonly PlannedRoute[]
  readonly files: readonly PlannedTokenFile[]
  readonly steering: Steering | undefined
}

/** Works out what the containers get, from the annotations alone. */
export function readEnvironment(
  values: AnnotationValues,
  { routes, files, steering }: Sending,
  refusals: Refusals,
): Environment {
  const port = values['proxy-port']
  const runtimes = values.runtimes
  const extra = values['no-proxy']
  const coverage = createCoverage(routes.flatMap(({ route }) => route.hosts.map(readHostPattern)))
  const intercepts = routes.some(({ route }) => route.https === 'intercept')
  const hasProxy = !steering && (routes.length > 0 || files.length === 0)
  if (!steering) rejectOwnNoProxy(extra, coverage, refusals)
  const java = !hasProxy ? javaTrust(intercepts) : javaOptions(port, extra, { coverage, intercepts })
  return {
    proxyUrl: `http://127.0.0.1:${port}`,
    direct: directHosts(extra, { coverage, intercepts }),
    coverage,
    mounts: [...(intercepts ? [TRUST_MOUNT] : []), ...(files.length > 0 ? [TOKENS_MOUNT] : [])],
    policy: values['env-policy'],
    intercepts,
    httpsUrls: createHttpsUrls(
      routes.filter(({ route }) => route.https === 'refuse').flatMap(({ route }) => route.hosts.map(readHostPattern)),
    ),
    hasExtraCa: values['extra-ca'] !== undefined,
    node: runtimes.includes('node'),
    hasProxy,
    sdks: readSdks(files),
    java: runtimes.includes('java') ? java : undefined,
    javaReferences: referencesOf(java ?? ''),
    steering,
    firstProxied: steering && createFirstProxied(steering.hosts),
  }
}

const javaTrust = (intercepts: boolean): string | undefined => (intercepts ? TRUST_STORE : undefined)

function rejectOwnNoProxy(extra: readonly string[], coverage: Coverage, { report }: Refusals): void {
  for (const entry of extra) {
    const covered = coverage(entry)
    if (covered?.extent === 'all') report('no-proxy-conflict', conflict(`${PREFIX}no-proxy`, entry, covered.host))
  }
}

/** HTTP_PROXY first, so that every later `$(HTTP_PROXY)` sees it; entries of others stay where they are. */
function planContainer(
  container: Container,
  variables: readonly Variable[],
  environment: Environment,
  outcome: Outcome,
): readonly EnvironmentEdit[] {
  const replaced = replacedBy(environment)
  if (replaced !== '' && (listAt(container.raw, 'envFrom')?.length ?? 0) > 0)
    outcome.warn(`${placeOf(container)}.envFrom cannot be read: ${replaced}`)
  const sdks = planSdks(container, variables, environment.sdks, outcome.warn)
  const trust = environment.intercepts ? planTrust(variables, environment.hasExtraCa) : []
  const java = planJava(container, variables, environment, outcome.warn)
  if (environment.steering) {
    for (const { name, value } of variables)
      if (name === 'JAVA_TOOL_OPTIONS' && hasHostsFile(value ?? ''))
        outcome.warn(`${placeOf(container)}.env[${name}] names another hosts file: Java calls partners without a token`)
    return [...trust, ...java, ...sdks]
  }
  if (!environment.hasProxy) return sdks
  return [
    ...planProxy(variables, environment),
    ...planNoProxy(container, variables, environment, outcome),
    ...trust,
    ...planNode(container, variables, environment, outcome.warn),
    ...java,
    ...sdks,
  ]
}

function replacedBy({ steering, intercepts, hasProxy, sdks }: Environment): string {
  if (!steering && !hasProxy)
    return sdks.variables.size > 0 ? `${[...sdks.variables.keys()].join(', ')} in it are replaced` : ''
  if (steering)
    return `a proxy in it needs the partners in NO_PROXY${intercepts ? '; trust variables in it are replaced' : ''}`
  return `${intercepts ? 'proxy and trust variables' : 'HTTP_PROXY and NO_PROXY'} in it are replaced`
}

/** curl and wget read http_proxy in lower case only; others prefer either. */
const PROXY_NAMES = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy']

function planProxy(
  variables: readonly Variable[],
  { proxyUrl, intercepts }: Pick<Environment, 'proxyUrl' | 'intercepts'>,
): readonly EnvironmentEdit[] {
  const own = variables.filter(({ name }) => isProxyVariable(name, intercepts))
  const wanted = PROXY_NAMES.filter((name) => isProxyVariable(name, intercepts))
  const missing = wanted.filter((name) => !own.some((variable) => variable.name === name))
  return [
    ...missing.map((name) => ({ kind: 'insert', index: 0, name, value: proxyUrl }) as const),
    ...own.map((variable) => ({ kind: 'set', variable, value: proxyUrl }) as const),
  ]
}

function planNode(
  container: Container,
  variables: readonly Variable[],
  { node }: Environment,
  warn: Warn,
): readonly EnvironmentEdit[] {
  const name = 'NODE_USE_ENV_PROXY'
  if (!node) return []
  const own = variables.findLast((variable) => variable.name === name)
  if (own === undefined) return [{ kind: 'insert', index: 0, name, value: '1' }]
  if (own.value !== '1') warn(`${placeOf(container)} sets ${name} itself: Node may ignore the proxy`)
  return []
}

function planJava(
  container: Container,
  variables: readonly Variable[],
  { java, javaReferences, coverage }: Environment,
  warn: Warn,
): readonly EnvironmentEdit[] {
  const name = 'JAVA_TOOL_OPTIONS'
  if (java === undefined) return []
  const own = variables.findLast((variable) => variable.name === name)
  if (own === undefined) return [{ kind: 'insert', index: indexAfter(javaReferences, variables), name, value: java }]
  if (own.value === undefined) {
    warn(`${placeOf(container)}.env[${name}] cannot be read (valueFrom): Java calls get no token`)
    return []
  }
  if (hasJavaOptions(own.value, java, coverage)) return []
  for (const late of lateReferences(javaReferences, own, variables))
    warn(`${placeOf(container)}.env[${name}] stands above ${late}: $(${late}) stays unexpanded in it`)
  return [{ kind: 'set', variable: own, value: own.value === '' ? java : `${own.value} ${java}` }]
}
