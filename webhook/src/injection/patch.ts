import type { JsonObject } from './pod/json.ts'
import { listAt, member } from './pod/json.ts'

/** RFC 6902, of which two operations are enough: nothing of a pod is ever removed, moved or copied. */
export interface JsonPatchOperation {
  readonly op: 'add' | 'replace'
  /** RFC 6901 JSON pointer. */
  readonly path: string
  readonly value: unknown
}

/** @returns the name as one token of a JSON pointer. RFC 6901 §3. */
export function pointerToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** Sets one member of an object that exists. */
export function setMember(parent: JsonObject, pointer: string, name: string, value: unknown): JsonPatchOperation {
  return { op: Object.hasOwn(parent, name) ? 'replace' : 'add', path: `${pointer}/${pointerToken(name)}`, value }
}

/** Inserts entries before `index` of a list member; the list is made when it is absent or null. */
export function insertInto(
  parent: JsonObject,
  pointer: string,
  name: string,
  { index, values }: { readonly index: number; readonly values: readonly unknown[] },
): readonly JsonPatchOperation[] {
  if (values.length === 0) return []
  if (listAt(parent, name) === undefined) return [setMember(parent, pointer, name, values)]
  return values.map((value, offset) => ({ op: 'add', path: `${pointer}/${name}/${index + offset}`, value }))
}

/** Appends entries to a list member; the list is made when it is absent or null. */
export function appendTo(
  parent: JsonObject,
  pointer: string,
  name: string,
  values: readonly unknown[],
): readonly JsonPatchOperation[] {
  return insertInto(parent, pointer, name, { index: listAt(parent, name)?.length ?? 0, values })
}

/** Annotations and labels by their keys. */
export type Metadata = Readonly<Partial<Record<'annotations' | 'labels', Readonly<Record<string, string>>>>>

/** Sets annotations and labels; `metadata` and its members are made when they are absent or null. */
export function setMetadata(pod: JsonObject, wanted: Metadata): readonly JsonPatchOperation[] {
  const metadata = member(pod, 'metadata')
  if (!isPresent(metadata)) return [setMember(pod, '', 'metadata', wanted)]
  return Object.entries(wanted).flatMap(([kind, entries]) => {
    const present = member(metadata, kind)
    if (!isPresent(present)) return [setMember(metadata, '/metadata', kind, entries)]
    return Object.entries(entries).map(([key, value]) => setMember(present, `/metadata/${kind}`, key, value))
  })
}

const isPresent = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null
