import type { JsonPatchOperation } from '../patch.ts'
import { appendTo } from '../patch.ts'
import type { JsonObject } from './json.ts'
import { isObject, member, objectsAt, textAt } from './json.ts'
import type { Container, Pod } from './pod.ts'
import type { Refusals } from '../outcome.ts'

/** What injection adds to lists of the pod's spec, by list; each has a name. Whoever adds entries here needs no more for pods that come injected. */
export type Additions = Readonly<Record<string, readonly object[]>>

/** @returns what adds the entries that are not there. */
export function addMissing({ spec }: Pod, additions: Additions): readonly JsonPatchOperation[] {
  return Object.entries(additions).flatMap(([list, values]) => {
    const isPresent = isAmong(objectsAt(spec, list))
    return appendTo(
      spec,
      '/spec',
      list,
      values.filter((value) => !isPresent(value)),
    )
  })
}

/**
 * @returns whether a value means the same as one of the entries.
 * SECURITY: by their names: a hostile pod has as many entries as it gets values, and neither is compared with every other.
 */
export function isAmong(entries: readonly object[]): (value: object) => boolean {
  const byName = Map.groupBy(entries, nameOf)
  return (value) => byName.get(nameOf(value))?.some((entry) => isSame(entry, value)) ?? false
}

/** Refuses entries of an injected pod that have a name of ours and say something else. SECURITY: a token from another volume is another identity. */
export function rejectChanged({ spec }: Pod, additions: Additions, { report }: Refusals): void {
  for (const [list, values] of Object.entries(additions)) {
    const byName = new Map(values.map((value) => [nameOf(value), value]))
    for (const { name, entry } of entriesOf(spec, list)) {
      const given = byName.get(name)
      if (given && !isSame(entry, given))
        report('forged-injection', {
          where: `spec.${list}[${name}]`,
          value: 'something else',
          allowed: `what injection adds there: ${JSON.stringify(given)}`,
        })
    }
  }
}

/** @returns an injected pod as the rest of it stands: without the sidecar and what was added. Its containers keep their places. */
export function withoutAdditions(pod: Pod, sidecar: Container, additions: Additions): Pod {
  const rest = Object.entries(additions).map(([list, values]) => {
    const names = new Set(values.map(nameOf))
    const kept = objectsAt(pod.spec, list).filter((entry) => !names.has(nameOf(entry)))
    return [list, kept] as const
  })
  return {
    ...pod,
    initContainers: pod.initContainers.filter((container) => container !== sidecar),
    spec: { ...pod.spec, ...Object.fromEntries(rest) },
  }
}

const nameOf = (value: object): string | undefined => textAt(value as JsonObject, 'name')

const entriesOf = (spec: JsonObject, list: string): readonly { readonly name: string; readonly entry: JsonObject }[] =>
  objectsAt(spec, list).flatMap((entry) => {
    const name = nameOf(entry)
    return name === undefined ? [] : [{ name, entry }]
  })

/** Sizes and times: other versions may choose others, and the API server fills in `defaultMode`. None of them says what a volume holds. */
const ADJUSTABLE: ReadonlySet<string> = new Set(['defaultMode', 'expirationSeconds', 'sizeLimit'])

/** @returns whether two entries mean the same. */
export const isSame = (a: unknown, b: unknown): boolean => says(a, b) && says(b, a)

/**
 * SECURITY: goes no deeper than both of them do: a hostile pod may nest an entry by thousands of levels.
 * @returns whether a value says everything of another one that says something.
 */
function says(value: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted))
    return (
      Array.isArray(value) &&
      value.length === wanted.length &&
      wanted.every((entry, index) => says(value[index], entry))
    )
  if (!isObject(wanted)) return value === wanted
  return (
    isObject(value) &&
    Object.entries(wanted).every(
      ([name, item]) =>
        ADJUSTABLE.has(name) ||
        item === null ||
        item === false ||
        item === undefined ||
        says(member(value, name), item),
    )
  )
}
