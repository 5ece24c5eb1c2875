import type { Steering } from '../annotations/steering.ts'
import type { Refusals } from '../outcome.ts'
import type { JsonPatchOperation } from '../patch.ts'
import { appendTo, setMember } from '../patch.ts'
import type { JsonObject } from './json.ts'
import { isObject, listAt, member, objectAt, objectsAt, textAt } from './json.ts'
import type { Container, Pod } from './pod.ts'
import { placeOf } from './pod.ts'

/** Without the second one, a client that asks for IPv6 alone would be answered by DNS, and call past the sidecar. */
const LOOPBACK = ['127.0.0.1', '::1'] as const

/** Lets the sidecar listen below 1024 without a capability. A safe sysctl, which Pod Security's restricted profile allows. */
const PORT_START = { name: 'net.ipv4.ip_unprivileged_port_start', value: '0' } as const

/** @returns what leads the names of partners to the sidecar, and lets it listen there, as far as it is not there; what the pod has stays. */
export function steeringOperations({ spec }: Pod, { hosts }: Steering): readonly JsonPatchOperation[] {
  const context = member(spec, 'securityContext')
  const sysctls = sysctlsOf(spec).length > 0 ? [] : [PORT_START]
  return [
    ...aliasOperations(spec, hosts),
    ...(isObject(context)
      ? appendTo(context, '/spec/securityContext', 'sysctls', sysctls)
      : [setMember(spec, '/spec', 'securityContext', { sysctls })]),
  ]
}

/** An address has one entry: a list with two of the same key cannot be merged by `kubectl apply`. */
function aliasOperations(spec: JsonObject, hosts: readonly string[]): readonly JsonPatchOperation[] {
  const own = objectsAt(spec, 'hostAliases')
  const indexes = LOOPBACK.map((ip) => [ip, own.findIndex((alias) => textAt(alias, 'ip') === ip)] as const)
  return [
    ...indexes.flatMap(([, index]) => {
      const alias = own[index]
      const present = new Set(alias && listAt(alias, 'hostnames'))
      const missing = hosts.filter((host) => !present.has(host))
      return alias ? appendTo(alias, `/spec/hostAliases/${index}`, 'hostnames', missing) : []
    }),
    ...appendTo(
      spec,
      '/spec',
      'hostAliases',
      // A list of its own each: a YAML writer would make the second one an alias of the first.
      indexes.filter(([, index]) => index < 0).map(([ip]) => ({ ip, hostnames: [...hosts] })),
    ),
  ]
}

/**
 * Refuses pods that already say where a partner is, or that keep the sidecar from listening.
 * @param isInjected whether partners lead to the sidecar already.
 */
export function rejectUnsteerable({ spec }: Pod, { hosts }: Steering, isInjected: boolean, { report }: Refusals): void {
  const steered = new Set(hosts)
  const ours: readonly unknown[] = isInjected ? LOOPBACK : []
  for (const alias of objectsAt(spec, 'hostAliases').filter(({ ip }) => !ours.includes(ip))) {
    for (const name of listAt(alias, 'hostnames') ?? []) {
      if (typeof name === 'string' && steered.has(name.toLowerCase()))
        report('host-alias-conflict', {
          where: `spec.hostAliases[${textAt(alias, 'ip') ?? ''}]`,
          value: name,
          allowed: 'another name, because this one must lead to the sidecar',
        })
    }
  }
  for (const sysctl of sysctlsOf(spec)) {
    const value = textAt(sysctl, 'value')
    if (value !== PORT_START.value)
      report('sysctl-conflict', {
        where: `spec.securityContext.sysctls[${PORT_START.name}]`,
        value,
        allowed: `${PORT_START.value}, or no such entry; the sidecar listens on port 80 without privileges`,
      })
  }
}

/** A name may have slashes in place of the dots. Source: kubernetes/pkg/apis/core/validation. */
function sysctlsOf(spec: JsonObject): readonly JsonObject[] {
  return objectsAt(objectAt(spec, 'securityContext'), 'sysctls').filter(
    (sysctl) => textAt(sysctl, 'name')?.replaceAll('/', '.') === PORT_START.name,
  )
}

const HOSTS_FILE = '/etc/hosts'

/** Refuses a container with a hosts file of its own: the kubelet then writes no aliases for it. Source: kubelet_pods.go, makeMounts. */
export function rejectHostsFile(container: Container, { report }: Refusals): void {
  if (objectsAt(container.raw, 'volumeMounts').some((mount) => textAt(mount, 'mountPath') === HOSTS_FILE))
    report('mount-conflict', {
      where: `${placeOf(container)}.volumeMounts`,
      value: HOSTS_FILE,
      allowed: 'another path; with steering by hosts the kubelet writes the names of partners there',
    })
}
