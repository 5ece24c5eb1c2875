import type { RequestedBy } from '../../injection/intent.ts'
import { textAt, objectAt } from '../../injection/pod/json.ts'
import { PREFIX } from '../../injection/annotations/raw-annotations.ts'
import type { Manifest } from './manifests.ts'
import type { ManifestObject } from './templates.ts'
import { objectsOf } from './templates.ts'

/** @returns a function that says who asks for the pods of an object: itself, or the label of its namespace in the same files. */
export function namespaceModes(
  manifests: readonly Manifest[],
  isCounted: boolean,
): (object: ManifestObject) => RequestedBy {
  const labelled = new Set(
    manifests
      .flatMap(({ data }) => objectsOf(data))
      .filter(({ object }) => textAt(object, 'kind') === 'Namespace' && isOptedIn(object))
      .map(({ object }) => textAt(objectAt(object, 'metadata'), 'name')),
  )
  return (target) => (isCounted && labelled.has(namespaceOf(target)) ? 'namespace' : 'pod')
}

/** @returns the namespace of an object, as kubectl's own default has it. */
export const namespaceOf = ({ object }: Pick<ManifestObject, 'object'>): string =>
  textAt(objectAt(object, 'metadata'), 'namespace') ?? 'default'

const isOptedIn = (namespace: ManifestObject['object']): boolean => {
  const label = textAt(objectAt(objectAt(namespace, 'metadata'), 'labels'), `${PREFIX}inject`)
  return label === 'true' || label === 'enabled'
}
