// A model of what the API server checks after mutation. Source: kubernetes/pkg/apis/core/validation/validation.go.
import { isIP } from 'node:net'
import type { Json } from './object.ts'
import { allContainers, at, list, nameOf, object } from './object.ts'

const DNS_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/
const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
/** Printable ASCII but `=`; RelaxedEnvironmentVariableValidation is on everywhere since 1.34. */
const ENV_NAME = /^[\x20-\x3c\x3e-\x7e]+$/
const PORT_NAME = /^(?=.*[a-z])(?!.*--)[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/
const ANNOTATIONS_BYTES = 256 * 1024

/** @returns what the API server would refuse, each as one sentence; parts that injection cannot reach are left out. */
export function podErrors(pod: unknown): readonly string[] {
  const volumes = list(at(pod, 'spec', 'volumes')).map(nameOf)
  const containers = list(at(pod, 'spec', 'containers'))
  const inits = list(at(pod, 'spec', 'initContainers'))
  return [
    ...annotationErrors(object(at(pod, 'metadata', 'annotations'))),
    ...(containers.length === 0 ? ['spec.containers: at least one'] : []),
    ...duplicates(allContainers(pod).map(nameOf)).map((name) => `container ${name} twice`),
    ...duplicates(volumes).map((name) => `volume ${name} twice`),
    ...[...volumes, ...allContainers(pod).map(nameOf)]
      .filter((name) => !DNS_LABEL.test(name))
      .map((name) => `${JSON.stringify(name)} is not a DNS label`),
    ...allContainers(pod).flatMap((container) => containerErrors(container, new Set(volumes))),
    ...containers.filter((container) => container['restartPolicy'] !== undefined).map(wrong('restartPolicy')),
    ...inits.flatMap(initErrors),
    ...list(at(pod, 'spec', 'hostAliases')).flatMap(aliasErrors),
    ...duplicates(list(at(pod, 'spec', 'hostAliases')).map(({ ip }) => String(ip))).map((ip) => `alias of ${ip} twice`),
    ...duplicates(list(at(pod, 'spec', 'securityContext', 'sysctls')).map(nameOf)).map(
      (name) => `sysctl ${name} twice`,
    ),
  ]
}

const wrong =
  (field: string) =>
  (container: Json): string =>
    `${nameOf(container)}.${field} is not allowed here`

function annotationErrors(annotations: Json): readonly string[] {
  const size = Object.entries(annotations).reduce((sum, [key, value]) => sum + key.length + String(value).length, 0)
  const texts = Object.entries(annotations).filter(([, value]) => typeof value !== 'string')
  return [
    ...texts.map(([key]) => `annotation ${key} is not a string`),
    ...(size > ANNOTATIONS_BYTES ? ['annotations are larger than 256 KiB'] : []),
  ]
}

function aliasErrors({ ip, hostnames }: Json): readonly string[] {
  const names = Array.isArray(hostnames) ? hostnames.map(String) : []
  return [
    ...(isIP(String(ip)) === 0 ? [`${String(ip)} is no address`] : []),
    ...names.filter((name) => !DNS_NAME.test(name)).map((name) => `${name} is not a DNS name`),
    ...duplicates(names).map((name) => `${name} twice in the aliases of ${String(ip)}`),
  ]
}

/** A plain init container has no probes and no lifecycle; a restartable one may. */
function initErrors(init: Json): readonly string[] {
  const policy = init['restartPolicy'] ?? undefined
  if (policy === 'Always') return []
  return [
    ...(policy === undefined ? [] : [`${nameOf(init)}.restartPolicy must be Always or absent`]),
    ...['startupProbe', 'readinessProbe', 'livenessProbe', 'lifecycle']
      .filter((field) => init[field] !== undefined)
      .map((field) => wrong(field)(init)),
  ]
}

function containerErrors(container: Json, volumes: ReadonlySet<string>): readonly string[] {
  const name = nameOf(container)
  const mounts = list(container['volumeMounts'])
  const ports = list(container['ports'])
  return [
    ...(container['image'] === undefined || container['image'] === '' ? [`${name} has no image`] : []),
    ...list(container['env']).flatMap((variable) => envErrors(name, variable)),
    ...mounts
      .filter((mount) => !volumes.has(nameOf(mount)))
      .map((mount) => `${name} mounts no volume ${nameOf(mount)}`),
    ...duplicates(mounts.map(({ mountPath }) => String(mountPath))).map((path) => `${name} mounts ${path} twice`),
    ...duplicates(ports.map(nameOf).filter(Boolean)).map((port) => `${name} names a port ${port} twice`),
    ...ports
      .map(nameOf)
      .filter((port) => port !== '' && !PORT_NAME.test(port))
      .map((port) => `${name}: port name ${port}`),
    ...resourceErrors(name, object(container['resources'])),
    ...startupErrors(name, object(container['startupProbe'])),
  ]
}

function envErrors(container: string, variable: Json): readonly string[] {
  const name = nameOf(variable)
  const both = variable['valueFrom'] !== undefined && (variable['value'] ?? '') !== ''
  return [
    ...(ENV_NAME.test(name) ? [] : [`${container}: variable ${JSON.stringify(name)}`]),
    ...(both ? [`${container}: ${name} has value and valueFrom`] : []),
    ...(typeof (variable['value'] ?? '') === 'string' ? [] : [`${container}: ${name} is not a string`]),
  ]
}

function resourceErrors(name: string, resources: Json): readonly string[] {
  const limits = object(resources['limits'])
  return Object.entries(object(resources['requests'])).flatMap(([resource, request]) => {
    const limit = limits[resource]
    return limit !== undefined && amount(request) > amount(limit)
      ? [`${name} requests more ${resource} than its limit`]
      : []
  })
}

function startupErrors(name: string, probe: Json): readonly string[] {
  return ['timeoutSeconds', 'periodSeconds', 'failureThreshold']
    .filter((field) => probe[field] !== undefined && Number(probe[field]) < 1)
    .map((field) => `${name}.startupProbe.${field} must be at least 1`)
}

const UNITS: Readonly<Record<string, number>> = {
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
}

function amount(quantity: unknown): number {
  const [, digits = '', unit = ''] = /^([\d.]+)(\w*)$/.exec(String(quantity)) ?? []
  return Number(digits) * (UNITS[unit] ?? Number.NaN)
}

function duplicates(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) < index))]
}
