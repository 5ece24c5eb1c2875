import type { JsonObject } from '../injection/pod/json.ts'
import { isObject, member, objectAt, objectsAt, textAt } from '../injection/pod/json.ts'

export type Path = readonly (string | number)[]

/** An object of a manifest, wherever it stands in it. */
export interface ManifestObject {
  /** From the root of the document; empty but in a List. */
  readonly path: Path
  readonly object: JsonObject
  /** `Kind/name`, for people. */
  readonly label: string
}

/** @returns the objects of a document: itself, or the items of a List. */
export function objectsOf(root: unknown, path: Path = []): readonly ManifestObject[] {
  if (!isObject(root)) return []
  const kind = textAt(root, 'kind') ?? 'object'
  if (/List$/.test(kind) && Array.isArray(member(root, 'items')))
    return objectsAt(root, 'items').flatMap((item, index) => objectsOf(item, [...path, 'items', index]))
  const metadata = objectAt(root, 'metadata')
  const name = textAt(metadata, 'name') ?? textAt(metadata, 'generateName') ?? 'unnamed'
  return [{ path, object: root, label: `${kind}/${name}` }]
}

/** Where workloads keep their pods: a template anywhere it is known to be, whatever the kind, so that Rollouts are found too. */
const TEMPLATES: readonly (readonly string[])[] = [
  ['spec', 'template'],
  ['spec', 'jobTemplate', 'spec', 'template'],
  ['template'],
]

/** @returns the path from an object to its pod, empty for a Pod itself, undefined for an object without one. */
export function templatePath({ object }: ManifestObject): readonly string[] | undefined {
  if (textAt(object, 'kind') === 'Pod') return []
  return TEMPLATES.find((path) => Array.isArray(member(objectAt(follow(object, path), 'spec'), 'containers')))
}

/** @returns the object at a path of member names, empty where it ends. */
export function follow(object: JsonObject, path: readonly string[]): JsonObject {
  return path.reduce(objectAt, object)
}
