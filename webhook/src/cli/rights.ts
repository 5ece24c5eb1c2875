import { printable } from '@aws-outbound-jwt-injector/proxy/contract'
import { pageUrl } from './usage.ts'

/** What to do about a right that the caller lacks; nothing where none is missing. */
export interface Remedy {
  readonly fix?: string
  readonly page?: string
}

/** @param missing as a `KubeError` has it. */
export const remedyOf = (missing: string | undefined): Remedy =>
  missing === undefined
    ? {}
    : { fix: `Ask an administrator of the cluster for the right to ${missing}.`, page: 'cli.md#rights' }

/** @returns the same for standard error, below the message and as printable as it; empty where no right is missing. */
export function adviceOn(missing: string | undefined): string {
  const { fix, page } = remedyOf(missing)
  return fix === undefined || page === undefined ? '' : `  fix: ${printable(fix)}\n  see ${pageUrl(page)}\n`
}
