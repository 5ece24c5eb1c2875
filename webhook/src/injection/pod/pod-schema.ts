import type { Report } from '@aws-outbound-jwt-injector/proxy/contract'
import type { JsonObject } from './json.ts'
import { isObject, listAt, member, objectAt, objectsAt } from './json.ts'
import type { Pod } from './pod.ts'

const LISTS = ['initContainers', 'volumes', 'imagePullSecrets', 'hostAliases'] as const

/** Reports fields that injection touches and that are not what the Pod API says; a patch on them would fail as a whole. */
export function checkShape({ raw, spec }: Pod, report: Report): void {
  checkObject(raw, 'metadata', '', report)
  checkObject(objectAt(raw, 'metadata'), 'annotations', 'metadata.', report)
  checkObject(raw, 'spec', '', report)
  for (const name of LISTS) checkList(spec, name, 'spec.', report)
  checkObject(spec, 'securityContext', 'spec.', report)
  checkList(objectAt(spec, 'securityContext'), 'sysctls', 'spec.securityContext.', report)
  if ((listAt(spec, 'containers') ?? []).length === 0)
    report({ where: 'spec.containers', value: typeOf(member(spec, 'containers')), allowed: 'a list of containers' })
  for (const list of ['containers', 'initContainers'] as const) {
    objectsAt(spec, list).forEach((container, index) => {
      const place = `spec.${list}[${index}]`
      if (typeof member(container, 'name') !== 'string')
        report({
          where: `${place}.name`,
          value: typeOf(member(container, 'name')),
          allowed: 'the name of the container',
        })
      for (const name of ['env', 'envFrom', 'ports', 'volumeMounts']) checkList(container, name, `${place}.`, report)
    })
  }
}

function checkObject(parent: JsonObject, name: string, place: string, report: Report): void {
  const value = member(parent, name) ?? null
  if (value !== null && !isObject(value)) report({ where: place + name, value: typeOf(value), allowed: 'an object' })
}

function checkList(parent: JsonObject, name: string, place: string, report: Report): void {
  const value = member(parent, name) ?? null
  if (value !== null && !(Array.isArray(value) && value.every(isObject)))
    report({ where: place + name, value: typeOf(value), allowed: 'a list of objects' })
}

/** SECURITY: what a value is, never what it says; variables hold passwords. */
function typeOf(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (!Array.isArray(value)) return value === null ? 'null' : typeof value
  const strangers: readonly unknown[] = value.filter((entry) => !isObject(entry))
  return strangers.length === 0 ? `a list of ${value.length}` : `a list with ${typeOf(strangers[0]) ?? 'nothing'}`
}
