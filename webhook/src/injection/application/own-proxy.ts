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
  const isBypassed = proxies.length === 0 ? undefined : readBypass(variables)
  const called = isBypassed && hosts.find((host) => !isBypassed(host))
  return [
    ...(called === undefined
      ? []
      : proxies.map(({ name, value }) =>
          conflict(name, withoutPassword(value ?? 'valueFrom'), `${called} in NO_PROXY`),
        )),
    ...javaProxies(variables, hosts, intercepts),
  ]
}

/** Of a variable given twice, the container sees the last. */
function javaProxies(
  variables: readonly Variable[],
  hosts: readonly string[],
  intercepts: boolean,
): readonly EnvConflict[] {
  const name = 'JAVA_TOOL_OPTIONS'
  const options = variables.findLast((variable) => variable.name === name)?.value ?? ''
  const property = javaProxyHost(options, intercepts)
  if (property === undefined) return []
  const isDirect = javaBypass(options)
  const host = hosts.find((candidate) => !isDirect(candidate))
  return host === undefined ? [] : [conflict(name, property, `${host} in -Dhttp.nonProxyHosts`)]
}

function conflict(name: string, shown: string, wanted: string): EnvConflict {
  const allowed = `${wanted} of this container, no proxy, or ${PREFIX}env-policy set to keep`
  return { reason: 'env-conflict', name, shown, allowed, canOverride: false }
}

/** Clients differ in which spelling they read, so each one that is there must name the host, in a form that all of them know. */
function readBypass(variables: readonly Variable[]): (host: string) => boolean {
  const lists = NO_PROXY_NAMES.flatMap((name) => variables.findLast((variable) => variable.name === name) ?? [])
  const read = lists.map(({ value }) => coveredBy(entriesOf(value ?? '')))
  return (host) => read.length > 0 && read.every((covers) => covers(host))
}

/** SECURITY: hosts are looked up: a hostile pod has as many entries as partners, and neither is compared with every other. */
function coveredBy(entries: readonly string[]): (host: string) => boolean {
  const names = new Set(entries.map((entry) => entry.toLowerCase()))
  return (host) => {
    if (names.has('*') || names.has(host)) return true
    for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1))
      if (names.has(host.slice(dot))) return true
    return false
  }
}
