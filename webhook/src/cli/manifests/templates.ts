import type { JsonObject } from '../../injection/pod/json.ts'
import { isObject, listAt, member, objectAt, objectsAt, textAt } from '../../injection/pod/json.ts'
import type { Mapping } from '../../injection/workload/misplaced.ts'
import type { Path } from '../../injection/workload/path.ts'
import { templatePath } from '../../injection/workload/path.ts'

/** An object of a manifest, wherever it stands in it. */
export interface ManifestObject {
  /** From the root of the document; empty but in a List. */
  readonly path: Path
  readonly object: JsonObject
  /** `Kind/name`, for people. */
  readonly label: string
}

/** Long enough for every Kubernetes name with its kind. SECURITY: it stands in every finding, and an object may have thousands. */
const LONGEST_LABEL = 300

/** @returns the objects of a document: itself, or the items of a List. */
export function objectsOf(root: unknown, path: Path = []): readonly ManifestObject[] {
  if (!isObject(root)) return []
  const kind = textAt(root, 'kind') ?? 'object'
  if (/List$/.test(kind) && Array.isArray(member(root, 'items')))
    return objectsAt(root, 'items').flatMap((item, index) => objectsOf(item, [...path, 'items', index]))
  const metadata = objectAt(root, 'metadata')
  const name = textAt(metadata, 'name') ?? textAt(metadata, 'generateName') ?? 'unnamed'
  return [{ path, object: root, label: `${kind}/${name}`.slice(0, LONGEST_LABEL) }]
}

/** API groups whose objects hold schemas or patterns of other objects: what looks like a pod there makes none. */
const DESCRIPTIONS =
  /(?:^|\.)(?:apiextensions\.k8s\.io|admissionregistration\.k8s\.io|kyverno\.io|gatekeeper\.sh|kubewarden\.io)$/

/**
 * @returns every mapping of an object that may be metadata or have a pod's spec, without those of whole objects inside it: they are applied
 * elsewhere.
 */
export function mappingsOf({ object }: ManifestObject): readonly Mapping[] {
  const described = DESCRIPTIONS.test(groupOf(object))
  return mappingsIn(described ? { metadata: objectAt(object, 'metadata') } : object)
}

/** SECURITY: one path, copied for those mappings alone that matter: a hostile manifest has thousands of others hundreds of levels deep. */
function mappingsIn(object: JsonObject): readonly Mapping[] {
  const found: Mapping[] = []
  const path: (string | number)[] = []
  const below = (key: string | number, value: unknown): void => {
    path.push(key)
    visit(value)
    path.pop()
  }
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach((item, index) => below(index, item))
    if (!isObject(value) || (path.length > 0 && isWhole(value))) return
    for (const [key, item] of Object.entries(value)) below(key, item)
    if (MEANT.some((key) => isObject(member(value, key)))) found.push({ path: [...path], mapping: value })
  }
  visit(object)
  return found
}

/** What is read of a mapping. */
const MEANT = ['annotations', 'labels', 'spec'] as const

/** A Pod inside another object is its template, as Flink's operator has it. */
function isWhole(value: JsonObject): boolean {
  const kind = textAt(value, 'kind')
  return kind !== undefined && kind !== 'Pod' && textAt(value, 'apiVersion') !== undefined
}

/**
 * @returns the paths from an object to its pods, that of a Pod being empty. A template is known by its shape, whatever the kind: `containers`
 * in a `spec` below the object's own `spec` or `template`.
 */
export function templatePaths(target: ManifestObject): readonly Path[] {
  if (textAt(target.object, 'kind') === 'Pod') return [[]]
  return mappingsOf(target)
    .filter(({ path, mapping }) => isTemplatePath(path) && isPodSpec(objectAt(mapping, 'spec')))
    .map(({ path }) => path)
}

const isTemplatePath = ([root]: Path): boolean => root === 'spec' || root === 'template'

/** Knative lets the names of containers be left out; what its controller then calls them nobody can check here. */
function isPodSpec(spec: JsonObject): boolean {
  const containers = listAt(spec, 'containers') ?? []
  return containers.length > 0 && containers.every((item) => isObject(item) && textAt(item, 'name') !== undefined)
}

/** @returns where the pods of an object are, also in a patch that leaves the containers out, as far as anybody can know. */
export function podPlaces(target: ManifestObject): readonly Path[] {
  const found = templatePaths(target)
  const known = isBuiltIn(target) ? templatePath(textAt(target.object, 'kind') ?? '') : undefined
  return found.length === 0 && known ? [known] : found
}

/** API groups of Kubernetes itself; other groups end with `.k8s.io`, too. */
const BUILT_IN = new Set([
  '',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'apps',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'coordination.k8s.io',
  'discovery.k8s.io',
  'events.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'networking.k8s.io',
  'node.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'resource.k8s.io',
  'scheduling.k8s.io',
  'storage.k8s.io',
])

/** Whether Kubernetes itself says what becomes of an object, and not somebody's controller. */
export const isBuiltIn = ({ object }: ManifestObject): boolean => BUILT_IN.has(groupOf(object))

function groupOf(object: JsonObject): string {
  const [group = '', version] = (textAt(object, 'apiVersion') ?? '').split('/')
  return version === undefined ? '' : group
}
