// Reads JSON that somebody else wrote: own members only, a wrong type counts as absent, nothing throws.

export type JsonObject = Readonly<Record<string, unknown>>

const EMPTY: JsonObject = Object.freeze({})

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** SECURITY: own members only; a pod must not be able to read `constructor` or `__proto__` out of our objects. */
export function member(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** @returns the member as an object, empty when it is absent or something else. */
export function objectAt(object: JsonObject, key: string): JsonObject {
  const value = member(object, key)
  return isObject(value) ? value : EMPTY
}

/** @returns the member as a list, undefined when it is absent or something else. */
export function listAt(object: JsonObject, key: string): readonly unknown[] | undefined {
  const value = member(object, key)
  return Array.isArray(value) ? value : undefined
}

/** @returns the objects in a list member; an entry that is none stays as an empty object, so that indexes hold. */
export function objectsAt(object: JsonObject, key: string): readonly JsonObject[] {
  return (listAt(object, key) ?? []).map((entry) => (isObject(entry) ? entry : EMPTY))
}

export function textAt(object: JsonObject, key: string): string | undefined {
  const value = member(object, key)
  return typeof value === 'string' ? value : undefined
}

/** @returns whether a value says everything that another one says. Objects may have more members, lists no more entries. */
export function contains(value: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted))
    return (
      Array.isArray(value) &&
      value.length === wanted.length &&
      wanted.every((entry, index) => contains(value[index], entry))
    )
  if (!isObject(wanted)) return value === wanted
  return isObject(value) && Object.entries(wanted).every(([name, item]) => contains(member(value, name), item))
}

/** @returns whether two values of JSON are the same, whatever the order of their members. */
export const isEqual = (a: unknown, b: unknown): boolean => contains(a, b) && contains(b, a)
