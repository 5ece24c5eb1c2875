import { TokenFailure } from '../tokens/failures.ts'
import type { CheckId } from './checks.ts'
import type { Finding } from './report.ts'

/** What a call to AWS came to. */
export type Outcome<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: TokenFailure }

/** @returns what the work came to; never rejects. */
export async function outcomeOf<T>(work: Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await work }
  } catch (error) {
    return { ok: false, failure: error instanceof TokenFailure ? error : new TokenFailure('unknown', String(error)) }
  }
}

/** @returns the finding of a check that failed for a reason in the table of failures. */
export function failed(id: CheckId, failure: TokenFailure, subject?: string): Finding {
  const { meaning, hint } = failure.row
  const detail = failure.message === meaning ? '' : ` (${failure.message})`
  return {
    id,
    ...(subject !== undefined && { subject }),
    verdict: 'fail',
    found: `${meaning}${detail}`,
    fix: hint,
    reason: failure.reason,
  }
}

/** @returns the finding of a check that could not be made. */
export const skipped = (id: CheckId, found: string): Finding => ({ id, verdict: 'skip', found })
