// A model of the restricted Pod Security Standard. Source: kubernetes.io/docs/concepts/security/pod-security-standards.
import type { Json } from './object.ts'
import { allContainers, at, list, nameOf, object } from './object.ts'

const VOLUME_TYPES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]

/** All that both profiles allow. */
const SAFE_SYSCTLS = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_syncookies',
]

/** @returns what the restricted profile forbids, by container or volume. */
export function restrictedViolations(pod: unknown): readonly string[] {
  const podContext = object(at(pod, 'spec', 'securityContext'))
  return [
    ...['hostNetwork', 'hostPID', 'hostIPC'].filter((field) => at(pod, 'spec', field) === true),
    ...list(podContext['sysctls'])
      .map(nameOf)
      .filter((name) => !SAFE_SYSCTLS.includes(name)),
    ...list(at(pod, 'spec', 'volumes')).flatMap(volumeViolations),
    ...allContainers(pod).flatMap((container) => containerViolations(container, podContext)),
  ]
}

function volumeViolations(volume: Json): readonly string[] {
  const types = Object.keys(volume).filter((key) => key !== 'name')
  return types.filter((type) => !VOLUME_TYPES.includes(type)).map((type) => `volume ${nameOf(volume)}: ${type}`)
}

function containerViolations(container: Json, podContext: Json): readonly string[] {
  const own = object(container['securityContext'])
  const effective = { ...podContext, ...own }
  const seccomp = at(effective, 'seccompProfile', 'type')
  const capabilities = object(own['capabilities'])
  const dropped = Array.isArray(capabilities['drop']) ? capabilities['drop'] : []
  const added = Array.isArray(capabilities['add']) ? capabilities['add'] : []
  const hostPort = list(container['ports']).some((port) => Number(port['hostPort'] ?? 0) > 0)
  const rules = {
    privileged: own['privileged'] === true,
    allowPrivilegeEscalation: own['allowPrivilegeEscalation'] !== false,
    runAsNonRoot: effective['runAsNonRoot'] !== true,
    runAsUser: effective['runAsUser'] === 0,
    seccompProfile: seccomp !== 'RuntimeDefault' && seccomp !== 'Localhost',
    'capabilities.drop': !dropped.includes('ALL'),
    'capabilities.add': added.some((capability) => capability !== 'NET_BIND_SERVICE'),
    procMount: (own['procMount'] ?? 'Default') !== 'Default',
    hostPort,
  }
  return Object.entries(rules).flatMap(([rule, broken]) => (broken ? [`${nameOf(container)}: ${rule}`] : []))
}
