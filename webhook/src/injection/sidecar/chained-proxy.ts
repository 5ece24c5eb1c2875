import type { V1EnvVar } from '@kubernetes/client-node'
import {
  VARIABLES,
  directDestination,
  egressProxy,
  formatEgressProxy,
  objectionToOwnListener,
} from '@aws-outbound-jwt-injector/proxy/contract'
import { PREFIX } from '../annotations/raw-annotations.ts'
import { isProxyVariable } from '../application/env-conflict.ts'
import { NO_PROXY_NAMES, entriesOf } from '../application/no-proxy.ts'
import type { InjectionIntent } from '../intent.ts'
import type { Refusals } from '../outcome.ts'
import type { Container } from '../pod/pod.ts'
import { placeOf, variablesOf } from '../pod/pod.ts'
import { directOfSidecar, ownPorts } from './egress.ts'

/** One variable of the sidecar must hold all of it, at most 128 KiB (MAX_ARG_STRLEN of Linux), next to 250 entries of `no-proxy`. */
const MOST_NO_PROXY_CHARACTERS = 32 * 1024
const LONGEST_VARIABLE = 128 * 1024

interface Chained {
  /** Those that get the variables. */
  readonly containers: readonly Container[]
  /** Of a pod that was injected before: what its containers had is known to the sidecar alone by then. */
  readonly sidecar: Container | undefined
}

/** A variable, in the last of its entries: the one that the container sees. */
interface Found {
  readonly where: string
  /** undefined for `valueFrom`. */
  readonly value: string | undefined
}

interface ReadProxy {
  readonly where: string
  /** In its one spelling. */
  readonly url: string
}

/**
 * With `env-policy: chain`: makes the proxy and the NO_PROXY of the containers those of the sidecar. Containers without a proxy do not object.
 * SECURITY: of a pod that comes injected, the variables of the sidecar are believed: whoever wrote them could have written those of
 * the containers. TLS to partners and STS ends beyond that proxy, so it sees no token.
 * @returns variables of the sidecar.
 */
export function planChain(
  { containers, sidecar }: Chained,
  { values, environment }: Pick<InjectionIntent, 'values' | 'environment'>,
  refusals: Refusals,
): readonly V1EnvVar[] {
  if (values['env-policy'] !== 'chain' || containers.length === 0) return []
  const own = sidecar ? variablesIn(sidecar, (name) => name === VARIABLES.egressProxy) : []
  const owners = containers.flatMap((container) => {
    const proxies = variablesIn(container, isAnyProxy).filter(
      ({ value }) => value !== '' && value !== environment.proxyUrl,
    )
    return proxies.length === 0 ? [] : [{ container, proxies }]
  })
  const found = [...own, ...owners.flatMap(({ proxies }) => proxies)]
  if (found.length === 0) rejectNoProxy(sidecar, refusals)
  // With steering, chain is refused.
  const ports = ownPorts(values, undefined)
  const read = found.flatMap((variable) => readProxy(variable, ports, refusals) ?? [])
  const [proxy] = read
  if (!proxy || read.length < found.length) return []
  read.forEach((other) => rejectOther(proxy, other, refusals))
  const entries = directOfSidecar(values['no-proxy'])
  const ours = entries.filter((entry) => !entry.includes('$('))
  const known = new Set([...entries, ...(sidecar ? environment.direct.entries : [])])
  const lists = owners.flatMap(({ container }) => variablesIn(container, isNoProxy))
  const direct = [...(sidecar ? readOwnDirect(sidecar, ours, refusals) : ours), ...readDirect(lists, known, refusals)]
  return [
    { name: VARIABLES.egressProxy, value: proxy.url },
    { name: VARIABLES.egressNoProxy, value: [...new Set(direct)].join(',') },
  ]
}

const isAnyProxy = (name: string): boolean => isProxyVariable(name, true)
const isNoProxy = (name: string): boolean => NO_PROXY_NAMES.includes(name)

function variablesIn(container: Container, isMeant: (name: string) => boolean): readonly Found[] {
  const found = variablesOf(container)
    .filter(({ name }) => isMeant(name))
    .map(({ name, value }) => [name, { where: `${placeOf(container)}.env[${name}]`, value }] as const)
  return [...new Map(found).values()]
}

/** SECURITY: a URL may have a password in it, which no report repeats. */
function readProxy({ where, value }: Found, ports: readonly number[], { report }: Refusals): ReadProxy | undefined {
  // curl, Go and Python take a proxy without a scheme for one of http.
  const url = value === undefined || value.includes('://') ? value : `http://${value}`
  const parsed = url === undefined ? undefined : egressProxy(url)
  const own = parsed?.ok === true ? objectionToOwnListener(parsed.value, ports) : undefined
  if (parsed?.ok === true && own === undefined) return { where, url: formatEgressProxy(parsed.value) }
  const [shown, allowed] = own === undefined ? objectionTo(value) : [value, own]
  report('env-conflict', { where, value: shown, allowed: `${allowed}, ${TO_CHAIN}` })
  return undefined
}

const TO_CHAIN = `because ${PREFIX}env-policy is chain`

function objectionTo(value: string | undefined): readonly [shown: string, allowed: string] {
  if (value === undefined) return ['valueFrom', 'a proxy that is written there']
  if (value.includes('$(')) return ['a reference', 'a proxy without $(VARIABLE)']
  if (value.includes('@'))
    return [
      'a URL with a password',
      `one without (user:password belongs into a Secret that ${PREFIX}egress-proxy-secret names)`,
    ]
  return ['a value', 'http://host:port or https://host:port of a forward proxy']
}

function rejectOther(proxy: ReadProxy, other: ReadProxy, { report }: Refusals): void {
  if (proxy.url !== other.url)
    report('env-conflict', {
      where: other.where,
      value: other.url,
      allowed: `${proxy.url}, as ${proxy.where} has it: the sidecar leaves by one proxy, ${TO_CHAIN}`,
    })
}

function rejectNoProxy(sidecar: Container | undefined, { report }: Refusals): void {
  if (sidecar)
    report('forged-injection', {
      where: `${placeOf(sidecar)}.env[${VARIABLES.egressProxy}]`,
      value: undefined,
      allowed: 'the proxy that the containers had before the injection',
    })
  else
    report('env-conflict', {
      where: `${PREFIX}env-policy`,
      value: 'chain',
      allowed: `HTTP_PROXY or HTTPS_PROXY in the env of a container that gets the variables (envFrom is not read), ${PREFIX}egress-proxy, or no ${PREFIX}env-policy`,
    })
}

/** Reads what the sidecar of an injected pod calls directly. What was taken out cannot be known again, so it is refused. */
function readOwnDirect(sidecar: Container, ours: readonly string[], { report }: Refusals): readonly string[] {
  const name = VARIABLES.egressNoProxy
  const text = variablesIn(sidecar, (other) => other === name)[0]?.value ?? ''
  const entries = text.length > LONGEST_VARIABLE ? [] : entriesOf(text)
  const present = new Set(entries)
  if (ours.some((entry) => !present.has(entry)) || entries.some((entry) => !directDestination(entry).ok))
    report('forged-injection', {
      where: `${placeOf(sidecar)}.env[${name}]`,
      value: 'something else',
      allowed: `what the NO_PROXY of the containers had, and ${ours.join(',')}`,
    })
  return entries
}

/** Reads the lists of containers that have a proxy. @param known entries that the sidecar has or cannot use. */
function readDirect(lists: readonly Found[], known: ReadonlySet<string>, { report }: Refusals): readonly string[] {
  const different = [...Map.groupBy(lists, ({ value }) => value).values()].flatMap(([first]) => first ?? [])
  const characters = different.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
  if (characters > MOST_NO_PROXY_CHARACTERS) {
    report('too-large', {
      where: 'spec.containers',
      value: `${characters} characters of different NO_PROXY`,
      allowed: `at most ${MOST_NO_PROXY_CHARACTERS} together, ${TO_CHAIN}`,
    })
    return []
  }
  return different.flatMap(({ where, value }) => {
    if (value === undefined)
      report('env-conflict', { where, value: 'valueFrom', allowed: `hosts that are written there, ${TO_CHAIN}` })
    return entriesOf(value ?? '').filter((entry) => {
      if (known.has(entry) || isTwin(entry)) return false
      const parsed = directDestination(entry)
      if (!parsed.ok) report('env-conflict', { where, value: entry, allowed: `${parsed.allowed}, ${TO_CHAIN}` })
      return parsed.ok
    })
  })
}

/** One spelling that names the other says nothing new. */
const isTwin = (entry: string): boolean => NO_PROXY_NAMES.some((name) => entry === `$(${name})`)
