import type { RawHeaders } from '../http/headers.ts'
import type { ErrorCode } from '../errors.ts'
import { splitTarget } from './target.ts'

/** Where a request says it wants to go. */
export interface Located {
  /** Scheme and authority, not yet checked. */
  readonly origin: string
  readonly path: string
  /** The fields without those that were for this proxy; absent when all of them go on. */
  readonly headers?: RawHeaders
}

export interface Unlocated {
  readonly refused: ErrorCode
  readonly message?: string
  readonly hint?: string
}

/** Reads the upstream out of a request. RFC 9112 §3.2 */
export type Locate = (target: string, headers: RawHeaders) => Located | Unlocated

/** For clients that speak through a proxy: the target is the whole URL. @param hint for those that do not. */
export const locateAbsolute =
  (hint?: string): Locate =>
  (target) => {
    const located = target.startsWith('/') ? undefined : splitTarget(target)
    return located ?? { refused: 'bad_request_target', ...(hint !== undefined && { hint }) }
  }
