import type { AnnotationValues } from '../annotations/annotations.ts'
import { PREFIX } from '../annotations/raw-annotations.ts'
import type { Steering } from '../annotations/steering.ts'
import { javaProxyProperty, javaTrustProperty, javaTrustStore } from './java.ts'
import type { SdkEnvironment } from './sdk.ts'
import { isTrustVariable } from './trust.ts'
import type { Variable } from '../pod/pod.ts'

/** A variable that already decides what ours would: through which proxy calls go, or which authorities they trust. */
export interface EnvConflict {
  readonly reason: 'env-conflict' | 'trust-conflict'
  readonly name: string
  /** SECURITY: never the value as it is; proxies have passwords, and this is logged. */
  readonly shown: string
  /** As the end of the sentence "expected …". */
  readonly allowed: string
  /** Whether `env-policy: override` settles it. */
  readonly canOverride: boolean
}

interface Asked {
  /** undefined without the Java runtime. */
  readonly java: string | undefined
  readonly intercepts: boolean
  /** Then only what is trusted can conflict. */
  readonly steering: Steering | undefined
  /** Whether variables name the proxy. */
  readonly hasProxy: boolean
  readonly sdks: SdkEnvironment
}

export function findConflicts(variables: readonly Variable[], asked: Asked): readonly EnvConflict[] {
  return variables.flatMap((variable) => conflictsOf(variable, asked))
}

function conflictsOf({ name, value }: Variable, asked: Asked): readonly EnvConflict[] {
  const { hasProxy, java, intercepts, sdks } = asked
  if (sdks.variables.has(name)) return [unwanted('env-conflict', name, value ?? 'valueFrom')]
  if (hasProxy && isProxyVariable(name, intercepts))
    return [
      unwanted('env-conflict', name, withoutPassword(value ?? 'valueFrom'), { values: 'keep, override or chain' }),
    ]
  if (intercepts && isTrustVariable(name)) return [unwanted('trust-conflict', name, value ?? 'valueFrom')]
  return java === undefined || name !== 'JAVA_TOOL_OPTIONS' ? [] : javaConflicts(name, value ?? '', asked)
}

function javaConflicts(name: string, options: string, { intercepts, steering }: Asked): readonly EnvConflict[] {
  const proxy = steering ? undefined : javaProxyProperty(options)
  const property = steering ? javaTrustStore : javaTrustProperty
  const trust = intercepts ? property(options) : undefined
  return [
    ...(proxy === undefined ? [] : [unwanted('env-conflict', name, proxy, { what: proxy })]),
    ...(trust === undefined ? [] : [unwanted('trust-conflict', name, trust, { what: trust })]),
  ]
}

function unwanted(
  reason: EnvConflict['reason'],
  name: string,
  shown: string,
  { what = name, values = 'keep or override' } = {},
): EnvConflict {
  const allowed = `no ${what} there, or ${PREFIX}env-policy set to ${values}; if the manifest has none, another webhook or policy sets it`
  return { reason, name, shown, allowed, canOverride: true }
}

/** @returns whether our value takes the place of the container's. */
export function isSettled({ name, canOverride }: EnvConflict, policy: AnnotationValues['env-policy']): boolean {
  return canOverride && (policy === 'override' || (policy === 'chain' && isProxyVariable(name, true)))
}

/** One variable in any spelling: curl and wget read the lower case only, others prefer either. */
export function isProxyVariable(name: string, intercepts: boolean): boolean {
  return (intercepts ? /^https?_proxy$/i : /^http_proxy$/i).test(name)
}

/** Everything before the last `@` may be a user and a password. */
export function withoutPassword(url: string): string {
  const at = url.lastIndexOf('@')
  return at < 0 ? url : `***${url.slice(at)}`
}
