import { javaProxyProperty } from './java.ts'
import type { Variable } from '../pod/pod.ts'

/** One variable in two spellings: curl and wget read the lower case only, others prefer either. */
export const PROXY_NAMES = ['HTTP_PROXY', 'http_proxy'] as const

/** A variable that already sends the container's calls through another proxy, or through none. */
export interface EnvConflict {
  readonly name: string
  /** SECURITY: never the value as it is; proxies have passwords, and this is logged. */
  readonly shown: string
  /** What must not be there. */
  readonly unwanted: string
}

export function findConflicts(
  variables: readonly Variable[],
  { java }: { readonly java: string | undefined },
): readonly EnvConflict[] {
  return variables.flatMap(({ name, value }) => {
    if (/^http_proxy$/i.test(name)) return [{ name, shown: withoutPassword(value ?? 'valueFrom'), unwanted: name }]
    if (java === undefined || name !== 'JAVA_TOOL_OPTIONS' || value === undefined) return []
    const property = javaProxyProperty(value)
    return property === undefined ? [] : [{ name, shown: property, unwanted: property }]
  })
}

/** Everything before the last `@` may be a user and a password. */
function withoutPassword(url: string): string {
  const at = url.lastIndexOf('@')
  return at < 0 ? url : `***${url.slice(at)}`
}
