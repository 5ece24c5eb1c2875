import type { Environment } from './environment.ts'
import { setsJavaProxy } from './java.ts'
import type { Variable } from './pod.ts'

/** One variable in two spellings: curl and wget read the lower case only, others prefer either. */
export const PROXY_NAMES = ['HTTP_PROXY', 'http_proxy'] as const

/** @returns the variables that already send the container's calls through another proxy, or through none. */
export function findConflicts(
  variables: readonly Variable[],
  { java }: Pick<Environment, 'java'>,
): readonly Variable[] {
  return variables.filter(
    ({ name, value }) =>
      /^http_proxy$/i.test(name) ||
      (java !== undefined && name === 'JAVA_TOOL_OPTIONS' && value !== undefined && setsJavaProxy(value)),
  )
}
