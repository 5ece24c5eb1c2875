import { PREFIX } from '../annotations/raw-annotations.ts'
import type { Variable } from '../pod/pod.ts'
import type { Bypass, FirstProxied } from './bypass.ts'
import type { EnvConflict } from './env-conflict.ts'
import { withoutPassword } from './env-conflict.ts'
import { javaBypass, javaProxyHost } from './java.ts'
import { NO_PROXY_NAMES, entriesOf } from './no-proxy.ts'

/**
 * Finds the proxies of its own that a container calls steered hosts through. Such a call would reach the partner without a token,
 * because that proxy looks the name up itself.
 * @param firstProxied of the steered hosts.
 */
export function findOwnProxies(
  variables: readonly Variable[],
  firstProxied: FirstProxied,
  intercepts: boolean,
): readonly EnvConflict[] {
  const pattern = intercepts ? /^(?:https?|all)_proxy$/i : /^(?:http|all)_proxy$/i
  const proxies = variables.filter(({ name, value }) => pattern.test(name) && value !== '')
  const host = proxies.length === 0 ? undefined : firstInAnyList(variables, firstProxied)
  return [
    ...(host === undefined
      ? []
      : proxies.map(({ name, value }) => conflict(name, withoutPassword(value ?? 'valueFrom'), `${host} in NO_PROXY`))),
    ...javaProxies(variables, firstProxied, intercepts),
  ]
}

/** Of a variable given twice, the container sees the last. */
function javaProxies(
  variables: readonly Variable[],
  firstProxied: FirstProxied,
  intercepts: boolean,
): readonly EnvConflict[] {
  const name = 'JAVA_TOOL_OPTIONS'
  const options = variables.findLast((variable) => variable.name === name)?.value ?? ''
  const property = javaProxyHost(options, intercepts)
  if (property === undefined) return []
  const host = firstProxied(javaBypass(options))
  return host === undefined ? [] : [conflict(name, property, `${host} in -Dhttp.nonProxyHosts`)]
}

function conflict(name: string, shown: string, wanted: string): EnvConflict {
  const allowed = `${wanted} of this container, no proxy, or ${PREFIX}env-policy set to keep`
  return { reason: 'env-conflict', name, shown, allowed, canOverride: false }
}

/** Clients differ in which spelling they read, so each one that is there must name the host, in a form that all of them know. */
function firstInAnyList(variables: readonly Variable[], firstProxied: FirstProxied): string | undefined {
  const lists = NO_PROXY_NAMES.flatMap((name) => variables.findLast((variable) => variable.name === name) ?? [])
  const bypasses = lists.length === 0 ? [bypassOf([])] : lists.map(({ value }) => bypassOf(entriesOf(value ?? '')))
  return bypasses.map(firstProxied).find((host) => host !== undefined)
}

function bypassOf(entries: readonly string[]): Bypass {
  const names = new Set(entries.map((entry) => entry.toLowerCase()))
  const suffixes = [...names].filter((entry) => entry.startsWith('.'))
  return { names, starts: names.has('*') ? [''] : [], ends: suffixes }
}
