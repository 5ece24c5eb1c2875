import { PREFIX } from '../annotations/raw-annotations.ts'
import type { Steering } from '../annotations/steering.ts'
import type { Variable } from '../pod/pod.ts'
import type { EnvConflict } from './env-conflict.ts'
import { withoutPassword } from './env-conflict.ts'
import { javaBypass, javaProxyHost } from './java.ts'
import { NO_PROXY_NAMES, entriesOf } from './no-proxy.ts'

/**
 * Finds the proxies of its own that a container calls steered hosts through. Such a call would reach the partner without a token,
 * because that proxy looks the name up itself.
 */
export function findOwnProxies(
  variables: readonly Variable[],
  { hosts }: Steering,
  intercepts: boolean,
): readonly EnvConflict[] {
  const pattern = intercepts ? /^(?:https?|all)_proxy$/i : /^(?:http|all)_proxy$/i
  const proxies = variables.filter(({ name, value }) => pattern.test(name) && value !== '')
  const called = proxies.length === 0 ? undefined : hosts.find((host) => !isBypassed(host, variables))
  return [
    ...(called === undefined
      ? []
      : proxies.map(({ name, value }) =>
          conflict(name, withoutPassword(value ?? 'valueFrom'), `${called} in NO_PROXY`),
        )),
    ...variables.flatMap(({ name, value }) => {
      const property = name === 'JAVA_TOOL_OPTIONS' ? javaProxyHost(value ?? '', intercepts) : undefined
      if (value === undefined || property === undefined) return []
      const isDirect = javaBypass(value)
      const host = hosts.find((candidate) => !isDirect(candidate))
      return host === undefined ? [] : [conflict(name, property, `${host} in -Dhttp.nonProxyHosts`)]
    }),
  ]
}

function conflict(name: string, shown: string, wanted: string): EnvConflict {
  const allowed = `${wanted} of this container, no proxy, or ${PREFIX}env-policy set to keep`
  return { reason: 'env-conflict', name, shown, allowed, canOverride: false }
}

/** Clients differ in which spelling they read, so each one that is there must name the host, in a form that all of them know. */
function isBypassed(host: string, variables: readonly Variable[]): boolean {
  const lists = NO_PROXY_NAMES.flatMap((name) => variables.findLast((variable) => variable.name === name) ?? [])
  return lists.length > 0 && lists.every(({ value }) => entriesOf(value ?? '').some((entry) => covers(entry, host)))
}

function covers(entry: string, host: string): boolean {
  const name = entry.toLowerCase()
  return name === '*' || name === host || (name.startsWith('.') && host.endsWith(name))
}
