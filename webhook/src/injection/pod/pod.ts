import type { JsonObject } from './json.ts'
import { isObject, member, objectAt, objectsAt, textAt } from './json.ts'

/** A container of the submitted pod, by where it is. */
export interface Container {
  readonly list: 'containers' | 'initContainers'
  readonly index: number
  readonly name: string
  readonly raw: JsonObject
}

/** What injection reads of a pod; `raw` keeps everything else. */
export interface Pod {
  readonly raw: JsonObject
  readonly annotations: JsonObject
  readonly spec: JsonObject
  readonly containers: readonly Container[]
  readonly initContainers: readonly Container[]
}

export function readPod(value: unknown): Pod {
  const raw = isObject(value) ? value : {}
  const spec = objectAt(raw, 'spec')
  return {
    raw,
    annotations: objectAt(objectAt(raw, 'metadata'), 'annotations'),
    spec,
    containers: readContainers(spec, 'containers'),
    initContainers: readContainers(spec, 'initContainers'),
  }
}

function readContainers(spec: JsonObject, list: Container['list']): readonly Container[] {
  return objectsAt(spec, list).map((raw, index) => ({ list, index, name: textAt(raw, 'name') ?? '', raw }))
}

/** @returns whether the container is a native sidecar: an init container that keeps running. */
export function isNative({ list, raw }: Container): boolean {
  return list === 'initContainers' && textAt(raw, 'restartPolicy') === 'Always'
}

/** @returns the JSON pointer of a container. */
export function pointerOf({ list, index }: Container): string {
  return `/spec/${list}/${index}`
}

/** @returns the container as its author knows it, for `Problem.where` and warnings. */
export function placeOf({ list, name }: Container): string {
  return `spec.${list}[${name}]`
}

/** A variable of a container. `value` is undefined for `valueFrom`; an entry with neither is the empty text. */
export interface Variable {
  readonly index: number
  readonly name: string
  readonly value: string | undefined
  readonly raw: JsonObject
}

export function variablesOf({ raw }: Container): readonly Variable[] {
  return objectsAt(raw, 'env').map((entry, index) => ({
    index,
    name: textAt(entry, 'name') ?? '',
    value: isObject(member(entry, 'valueFrom')) ? undefined : (textAt(entry, 'value') ?? ''),
    raw: entry,
  }))
}
