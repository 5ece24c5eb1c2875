import { javaProxyProperty, javaTrustProperty } from './java.ts'
import { isTrustVariable } from './trust.ts'
import type { Variable } from '../pod/pod.ts'

/** A variable that already decides what ours would: through which proxy calls go, or which authorities they trust. */
export interface EnvConflict {
  readonly reason: 'env-conflict' | 'trust-conflict'
  readonly name: string
  /** SECURITY: never the value as it is; proxies have passwords, and this is logged. */
  readonly shown: string
  /** What must not be there. */
  readonly unwanted: string
}

interface Asked {
  /** undefined without the Java runtime. */
  readonly java: string | undefined
  readonly intercepts: boolean
}

export function findConflicts(variables: readonly Variable[], asked: Asked): readonly EnvConflict[] {
  return variables.flatMap((variable) => conflictsOf(variable, asked))
}

function conflictsOf({ name, value }: Variable, { java, intercepts }: Asked): readonly EnvConflict[] {
  if (isProxyVariable(name, intercepts))
    return [{ reason: 'env-conflict', name, shown: withoutPassword(value ?? 'valueFrom'), unwanted: name }]
  if (intercepts && isTrustVariable(name))
    return [{ reason: 'trust-conflict', name, shown: value ?? 'valueFrom', unwanted: name }]
  if (java === undefined || name !== 'JAVA_TOOL_OPTIONS' || value === undefined) return []
  const proxy = javaProxyProperty(value)
  const trust = intercepts ? javaTrustProperty(value) : undefined
  return [
    ...(proxy === undefined ? [] : [{ reason: 'env-conflict', name, shown: proxy, unwanted: proxy } as const]),
    ...(trust === undefined ? [] : [{ reason: 'trust-conflict', name, shown: trust, unwanted: trust } as const]),
  ]
}

/** One variable in any spelling: curl and wget read the lower case only, others prefer either. */
export function isProxyVariable(name: string, intercepts: boolean): boolean {
  return (intercepts ? /^https?_proxy$/i : /^http_proxy$/i).test(name)
}

/** Everything before the last `@` may be a user and a password. */
function withoutPassword(url: string): string {
  const at = url.lastIndexOf('@')
  return at < 0 ? url : `***${url.slice(at)}`
}
