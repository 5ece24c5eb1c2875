import type { V1EnvVar } from '@kubernetes/client-node'
import type { JsonPatchOperation } from '../patch.ts'
import { insertInto, setMember } from '../patch.ts'
import type { Container, Variable } from '../pod/pod.ts'
import { pointerOf } from '../pod/pod.ts'

/** A change of a list of variables; indexes are those of the submitted list. */
export type EnvironmentEdit =
  | { readonly kind: 'insert'; readonly index: number; readonly name: string; readonly value: string }
  | { readonly kind: 'set'; readonly variable: Variable; readonly value: string }

/** @returns whether an edit makes a difference. */
export function changes(edit: EnvironmentEdit): boolean {
  return edit.kind === 'insert' || edit.value !== edit.variable.value
}

/** @returns the edits as operations, from the end of the list to its start, so that no operation shifts a later one. */
export function environmentOperations(
  container: Container,
  edits: readonly EnvironmentEdit[],
): readonly JsonPatchOperation[] {
  const pointer = pointerOf(container)
  const sets = edits.filter((edit) => edit.kind === 'set')
  const inserts = Map.groupBy(
    edits.filter((edit) => edit.kind === 'insert'),
    ({ index }) => index,
  )
  const operations = [
    // Before the inserts: a stable sort leaves them first where an insert goes to the same place.
    ...sets.map((edit) => ({ index: edit.variable.index, operations: [setVariable(`${pointer}/env`, edit)] })),
    ...[...inserts].map(([index, group]) => {
      const values = group.map(({ name, value }): V1EnvVar => ({ name, value }))
      return { index, operations: insertInto(container.raw, pointer, 'env', { index, values }) }
    }),
  ]
  return operations.sort((a, b) => b.index - a.index).flatMap((place) => place.operations)
}

function setVariable(
  pointer: string,
  { variable, value }: { readonly variable: Variable; readonly value: string },
): JsonPatchOperation {
  const path = `${pointer}/${variable.index}`
  // `value` and `valueFrom` exclude each other, so a variable that came from somewhere is replaced as a whole.
  return variable.value === undefined
    ? { op: 'replace', path, value: { name: variable.name, value } }
    : setMember(variable.raw, path, 'value', value)
}

/** Names of variables. */
interface Names {
  readonly has: (name: string) => boolean
}

/** @returns the names that the kubelet expands in a value, each once. Source: third_party/forked/golang/expansion. */
export function referencesOf(value: string): ReadonlySet<string> {
  if (!value.includes('$(')) return new Set()
  const references = value.replaceAll('$$', '').match(/\$\([^$()]*\)/g) ?? []
  return new Set(references.map((reference) => reference.slice(2, -1)))
}

/** The kubelet expands `$(NAME)` only from variables above it. @returns the index after the last one that is needed. */
export function indexAfter(references: Names, variables: readonly Variable[]): number {
  return variables.findLastIndex(({ name }) => references.has(name)) + 1
}

/**
 * SECURITY: references are looked up: an annotation may have thousands, for each of hundreds of containers.
 * @returns the names of variables that are set below another one only, where references in that stay unexpanded.
 */
export function lateReferences(references: Names, at: Variable, variables: readonly Variable[]): readonly string[] {
  const above = new Set<string>()
  const late = new Set<string>()
  for (const { name, index } of variables) {
    if (index <= at.index) above.add(name)
    else if (!above.has(name) && references.has(name)) late.add(name)
  }
  return [...late]
}
