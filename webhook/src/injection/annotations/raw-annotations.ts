import type { Report } from '@aws-outbound-jwt-injector/proxy/contract'
import { show } from '@aws-outbound-jwt-injector/proxy/contract'
import type { Annotation, AnnotationName, AnnotationValues } from './annotations.ts'
import { ANNOTATIONS } from './annotations.ts'
import type { JsonObject } from '../pod/json.ts'
import { nearest } from './nearest.ts'

/** Prefix of annotations and labels; a constant, so that documents, policies and habits stay true everywhere. */
export const PREFIX = 'outbound-jwt.io/'
/** Written by us, never read. */
export const STATUS = 'status'

/** One is enough to refuse a pod, and nobody reads that many: a hostile pod has thousands, which would be hashed and compared with all names. */
const MOST_UNKNOWN = 40

const NAMES = Object.keys(ANNOTATIONS) as AnnotationName[]
const KEYS: ReadonlySet<string> = new Set(NAMES.map((name) => PREFIX + name))
const DEFAULTS = Object.fromEntries(
  Object.entries<Annotation<unknown>>(ANNOTATIONS).flatMap(([name, row]) =>
    'default' in row ? [[name, row.default]] : [],
  ),
)

/** Annotations of ours on a pod by name without prefix, as written, without `status`; of names that there are not, the first 40. */
export type RawAnnotations = ReadonlyMap<string, unknown>

export function readRawAnnotations(annotations: JsonObject): RawAnnotations {
  const ours = new Map<string, unknown>()
  let unknown = 0
  for (const key of Object.keys(annotations)) {
    if (!key.startsWith(PREFIX) || key === PREFIX + STATUS) continue
    if (!KEYS.has(key)) unknown += 1
    if (unknown <= MOST_UNKNOWN || KEYS.has(key)) ours.set(key.slice(PREFIX.length), annotations[key])
  }
  return ours
}

/** Parses every annotation; reports unknown names and wrong values. What is absent, or wrong, has its default. */
export function parseAnnotations(annotations: RawAnnotations, report: Report): AnnotationValues {
  const values: Partial<Record<AnnotationName, unknown>> = { ...DEFAULTS }
  for (const [name, text] of annotations) {
    const where = PREFIX + name
    if (!isAnnotation(name)) report({ where, value: show(text), allowed: unknownName(name) })
    else if (typeof text !== 'string') report({ where, value: show(text), allowed: 'a string; quote it' })
    else values[name] = ANNOTATIONS[name].parse(text, where, report) ?? values[name]
  }
  return values as AnnotationValues
}

const isAnnotation = (name: string): name is AnnotationName => Object.hasOwn(ANNOTATIONS, name)

function unknownName(name: string): string {
  const candidate = nearest(name, NAMES)
  return candidate === undefined
    ? `one of ${NAMES.join(', ')} after ${PREFIX}`
    : `a known annotation; did you mean ${PREFIX}${candidate}?`
}
