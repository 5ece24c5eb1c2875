import { objectAt, objectsAt, textAt } from '../../injection/pod/json.ts'
import type { JsonObject } from '../../injection/pod/json.ts'
import type { KubeFailureCode } from '../../kube/failure.ts'
import type { Finding } from '../report.ts'
import { remedyOf } from '../rights.ts'

/** What the API server said to one question. */
export type Answer<T = JsonObject> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false
      readonly code: KubeFailureCode
      readonly message: string
      readonly missingRight: string | undefined
    }

export type Failure = Extract<Answer, { ok: false }>

/** @returns the object with a name in a list, undefined when it is not there or the list cannot be read. */
export function listedIn(list: Answer, name: string): JsonObject | undefined {
  return list.ok ? objectsAt(list.value, 'items').find((item) => nameOf(item) === name) : undefined
}

export const nameOf = (object: JsonObject): string => textAt(objectAt(object, 'metadata'), 'name') ?? ''

/** @returns the finding of a check that could not be made. */
export const unread = (group: string, what: string, { message, missingRight }: Failure): Finding => ({
  group,
  verdict: 'skip',
  found: `${what} cannot be read: ${message}`,
  ...remedyOf(missingRight),
})
