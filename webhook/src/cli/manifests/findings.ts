import { printable } from '@aws-outbound-jwt-injector/proxy/contract'

/** One thing to fix, or to know. */
export interface Finding {
  readonly file: string
  readonly line: number
  /** `Kind/name`. */
  readonly object: string
  /** An error is refused or has no effect; a warning is what the webhook would warn about. */
  readonly severity: 'error' | 'warning'
  /** The reason the webhook would give, or which rule of lint it is. */
  readonly reason: string
  readonly message: string
}

/** @returns a finding as one line that editors can follow. */
export function formatFinding({ file, line, object, severity, message }: Finding): string {
  return printable(`${file}:${line}: ${severity}: ${object}: ${message}`)
}
