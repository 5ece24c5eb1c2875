// Pods as tests read and change them: JSON of unknown shape, absent parts empty.

export type Json = Record<string, unknown>

export function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}

export function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(object) : []
}

/** @returns the member along a path, undefined where it ends. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((parent, key) => object(parent)[key], value)
}

/** @returns init containers, then containers. */
export function allContainers(pod: unknown): Json[] {
  return [...list(at(pod, 'spec', 'initContainers')), ...list(at(pod, 'spec', 'containers'))]
}

export function nameOf(value: Json): string {
  return typeof value['name'] === 'string' ? value['name'] : ''
}
