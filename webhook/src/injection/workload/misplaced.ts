import { PREFIX } from '../annotations/raw-annotations.ts'
import type { JsonObject } from '../pod/json.ts'
import { objectAt } from '../pod/json.ts'
import { INJECTED_LABEL } from '../status.ts'
import type { Path } from './path.ts'
import { formatPath } from './path.ts'

/** An annotation or label of ours where nothing reads it. */
export interface Misplaced {
  /** From the object. */
  readonly path: Path
  readonly severity: 'error' | 'warning'
  readonly reason: 'wrong-object' | 'unknown-kind' | 'unknown-prefix' | 'label' | 'namespace-label'
  readonly message: string
}

/** Something of an object that may have annotations and labels: its metadata, or that of something in it. */
export interface Mapping {
  /** From the object. */
  readonly path: Path
  readonly mapping: JsonObject
}

/** What is said of a key in the wrong place. */
export interface Wording {
  readonly annotation: (key: string, place: string) => Omit<Misplaced, 'path'>
  readonly label: (key: string) => Omit<Misplaced, 'path'>
}

/** @param templates where the pods of the object are. */
export function misplacedIn(
  mappings: readonly Mapping[],
  templates: readonly Path[],
  say: Wording,
): readonly Misplaced[] {
  const metadata = new Set(templates.map((template) => formatPath([...template, 'metadata'])))
  return mappings.flatMap(({ path, mapping }) => {
    const annotations = keysOf(mapping, 'annotations')
    const labels = keysOf(mapping, 'labels')
    if (annotations.length + labels.length === 0) return []
    const isOfPods = metadata.has(formatPath(path))
    const place = shortened(formatPath([...path, 'annotations']))
    return [
      ...(isOfPods ? [] : annotations).map((key) => ({
        path: [...path, 'annotations', key],
        ...say.annotation(key, place),
      })),
      ...labels
        // Injection writes it on the pods.
        .filter((key) => key !== INJECTED_LABEL || !isOfPods)
        .map((key) => ({ path: [...path, 'labels', key], ...say.label(key) })),
    ]
  })
}

/** SECURITY: places stand in the message about every key; a hostile object has thousands of keys, of templates, and of characters in one name. */
const MOST_PLACES = 10
const LONGEST_PLACE = 300

const shortened = (place: string): string =>
  place.length > LONGEST_PLACE ? `${place.slice(0, LONGEST_PLACE)}...` : place

/** @returns where annotations of the pods belong, for people; empty without pods. */
export function annotationPlaces(templates: readonly Path[]): string {
  const places = templates
    .slice(0, MOST_PLACES)
    .map((template) => shortened(formatPath([...template, 'metadata', 'annotations'])))
  const more = templates.length - places.length
  return [...places, ...(more > 0 ? [`in ${more} more templates`] : [])].join(' or ')
}

/** @param right where annotations of the pods belong, empty without pods. */
export const ofKubernetes = (right: string): Wording => ({
  annotation: (key, place) => ({
    severity: 'error',
    reason: 'wrong-object',
    message: `${key} at ${place} has no effect: ${right === '' ? 'no pod is made from this object' : `write it at ${right}`}`,
  }),
  label: (key) => ({
    severity: 'error',
    reason: 'label',
    message: `${key} as a label has no effect: it is an annotation${right === '' ? '' : `, write it at ${right}`}`,
  }),
})

/** @returns the keys of ours, without the status that injection writes. */
export const keysOf = (mapping: JsonObject, kind: 'annotations' | 'labels'): readonly string[] =>
  Object.keys(objectAt(mapping, kind)).filter((key) => key.startsWith(PREFIX) && key !== `${PREFIX}status`)
