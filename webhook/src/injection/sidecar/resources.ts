import type { V1ResourceRequirements } from '@kubernetes/client-node'
import type { Report } from '@aws-outbound-jwt-injector/proxy/contract'
import type { AnnotationName, AnnotationValues } from '../annotations/annotations.ts'
import type { JsonObject } from '../pod/json.ts'
import { member, objectAt } from '../pod/json.ts'
import { PREFIX } from '../annotations/raw-annotations.ts'
import type { Pod } from '../pod/pod.ts'
import { quantityOf } from '../annotations/quantity.ts'
import type { Refusals } from '../outcome.ts'

/** Resources of the sidecar as Kubernetes quantities; null is "none". */
export interface SidecarResources {
  readonly cpuRequest: string | null
  readonly cpuLimit: string | null
  readonly memoryRequest: string | null
  readonly memoryLimit: string | null
}

/** Least memory in which the sidecar holds its bars under load; less thrashes on its own pages. */
const MEMORY_FLOOR = '96Mi'
/** A Guaranteed pod has no burst, so the sidecar gets what it needs to start in time, unless the operator limits it. */
const GUARANTEED = { cpu: '100m', memory: '128Mi' } as const

const RESOURCES = ['cpu', 'memory'] as const
type Resource = (typeof RESOURCES)[number]

interface Amounts {
  readonly request: string | undefined
  readonly limit: string | undefined
}

/** @returns the resources of the sidecar, or undefined for none. */
export function planResources(
  pod: Pod,
  values: AnnotationValues,
  settings: SidecarResources,
  refusals: Refusals,
): V1ResourceRequirements | undefined {
  const defaults = readDefaults(pod, settings)
  const guaranteed = isGuaranteed(pod)
  const amounts = RESOURCES.map((resource) => {
    const given = { request: values[`${resource}-request`], limit: values[`${resource}-limit`] }
    const chosen = guaranteed
      ? bothOf(given.limit ?? given.request ?? defaults[resource].limit, given)
      : { request: given.request ?? defaults[resource].request, limit: given.limit ?? defaults[resource].limit }
    if (given.request !== undefined || given.limit !== undefined) rejectAmounts(resource, chosen, given, refusals)
    return [resource, chosen] as const
  })
  const requests = pick(amounts, 'request')
  const limits = pick(amounts, 'limit')
  if (requests === undefined && limits === undefined) return undefined
  return { ...(requests && { requests }), ...(limits && { limits }) }
}

const bothOf = (amount: string | undefined, given: Amounts): Amounts => ({
  request: given.request ?? amount,
  limit: amount,
})

function readDefaults(pod: Pod, settings: SidecarResources): Readonly<Record<Resource, Amounts>> {
  const none = { request: undefined, limit: undefined }
  if (hasPodResources(pod)) return { cpu: none, memory: none }
  const fixed = isGuaranteed(pod) ? GUARANTEED : { cpu: undefined, memory: undefined }
  return {
    cpu: { request: settings.cpuRequest ?? undefined, limit: settings.cpuLimit ?? fixed.cpu },
    memory: { request: settings.memoryRequest ?? undefined, limit: settings.memoryLimit ?? fixed.memory },
  }
}

/** Whether the pod shares one budget; a request of ours would come out of it. */
const hasPodResources = (pod: Pod): boolean => Object.keys(objectAt(pod.spec, 'resources')).length > 0

/**
 * Whether every container has limits that equal its requests; an absent request is its limit.
 * Source: kubernetes/pkg/apis/core/helper/qos.
 */
function isGuaranteed(pod: Pod): boolean {
  const containers = [...pod.initContainers, ...pod.containers]
  return (
    containers.length > 0 && !hasPodResources(pod) && containers.every(({ raw }) => isFixed(objectAt(raw, 'resources')))
  )
}

function isFixed(resources: JsonObject): boolean {
  const requests = objectAt(resources, 'requests')
  const limits = objectAt(resources, 'limits')
  return RESOURCES.every((resource) => {
    const limit = quantityOf(member(limits, resource))
    const request = member(requests, resource)
    return limit !== undefined && limit !== 0n && (request === undefined || quantityOf(request) === limit)
  })
}

/** Amounts the author had a say in: a limit has a floor, and a request has a limit. */
function rejectAmounts(resource: Resource, { request, limit }: Amounts, given: Amounts, { report }: Refusals): void {
  if (limit === undefined) return
  const refuse = (side: keyof Amounts, value: string, allowed: string): void => {
    const annotation: AnnotationName = `${resource}-${side}`
    report('invalid-annotation', { where: PREFIX + annotation, value, allowed })
  }
  if (resource === 'memory' && exceeds(MEMORY_FLOOR, limit) && [given.request, given.limit].includes(limit))
    refuse(given.limit === undefined ? 'request' : 'limit', limit, `at least ${MEMORY_FLOOR}`)
  else if (request !== undefined && exceeds(request, limit)) {
    if (given.request === undefined) refuse('limit', limit, `at least the request, ${request}`)
    else refuse('request', request, `at most the limit, ${limit}`)
  }
}

/** Reports defaults of the operator that no sidecar could run with. */
export function checkDefaults(settings: SidecarResources, report: Report): void {
  const { cpuRequest, cpuLimit, memoryRequest, memoryLimit } = settings
  if (memoryLimit !== null && exceeds(MEMORY_FLOOR, memoryLimit))
    report({ where: 'resources.memoryLimit', value: memoryLimit, allowed: `at least ${MEMORY_FLOOR}` })
  for (const [where, request, limit] of [
    ['resources.cpuLimit', cpuRequest, cpuLimit],
    ['resources.memoryLimit', memoryRequest, memoryLimit],
  ] as const) {
    if (request !== null && limit !== null && exceeds(request, limit))
      report({ where, value: limit, allowed: `at least the request, ${request}` })
  }
}

/** Quantities that were parsed before; near enough as numbers. */
const exceeds = (a: string, b: string): boolean => Number(quantityOf(a)) > Number(quantityOf(b))

function pick(
  amounts: readonly (readonly [Resource, Amounts])[],
  side: keyof Amounts,
): Readonly<Record<string, string>> | undefined {
  const entries = amounts.flatMap(([resource, amount]) => {
    const value = amount[side]
    return value === undefined ? [] : [[resource, value] as const]
  })
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}
