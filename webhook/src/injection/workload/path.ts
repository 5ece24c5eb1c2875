import type { JsonObject } from '../pod/json.ts'
import { isObject, member } from '../pod/json.ts'

/** From an object to something in it. */
export type Path = readonly (string | number)[]

const TEMPLATES: Readonly<Record<string, Path>> = {
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  DaemonSet: ['spec', 'template'],
  Deployment: ['spec', 'template'],
  Job: ['spec', 'template'],
  PodTemplate: ['template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
}

/** @returns where a workload of Kubernetes itself keeps the template of its pods, undefined for another kind. */
export const templatePath = (kind: string): Path | undefined =>
  Object.hasOwn(TEMPLATES, kind) ? TEMPLATES[kind] : undefined

/** @returns the object at a path, empty where it ends. */
export function follow(object: JsonObject, path: Path): JsonObject {
  const value = path.reduce<unknown>(
    (parent, key) =>
      typeof key === 'number' ? itemAt(parent, key) : isObject(parent) ? member(parent, key) : undefined,
    object,
  )
  return isObject(value) ? value : {}
}

const itemAt = (list: unknown, index: number): unknown => (Array.isArray(list) ? (list as unknown[])[index] : undefined)

/** @returns a path for people: `spec.workers[0].template`. */
export function formatPath(path: Path): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`),
    '',
  )
}
