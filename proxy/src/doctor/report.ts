import { printable } from '../contract/problem.ts'
import type { CheckId } from './checks.ts'

/** `warn` works, but not for everybody or not for long; `skip` could not be looked at. */
export type Verdict = 'pass' | 'warn' | 'fail' | 'skip'

/** What one check found. SECURITY: no token, no credential. */
export interface Finding {
  readonly id: CheckId
  /** Route or host, where a check looks at several. */
  readonly subject?: string
  readonly verdict: Verdict
  /** The fact found, one sentence. */
  readonly found: string
  /** What to run or change; for everything but `pass`. */
  readonly fix?: string
  /** Key in docs/token-failures.md or docs/errors.md. */
  readonly reason?: string
  /** Of a token that was minted. */
  readonly claims?: Readonly<Record<string, unknown>>
}

export interface Report {
  readonly version: string
  /** The worst of its findings. */
  readonly verdict: Exclude<Verdict, 'skip'>
  readonly findings: readonly Finding[]
}

/** @param findings in the order of the table of checks. */
export function createReport(version: string, findings: readonly Finding[]): Report {
  const has = (verdict: Verdict): boolean => findings.some((finding) => finding.verdict === verdict)
  return { version, verdict: has('fail') ? 'fail' : has('warn') ? 'warn' : 'pass', findings }
}

const VERDICT_WIDTH = 6
const ID_WIDTH = 13
const INDENT = ' '.repeat(VERDICT_WIDTH)

/**
 * @returns the report for people: a line per finding, and a line with its fix or its claims where there are any.
 * SECURITY: in printable ASCII; claims and errors are those of partners, and a terminal obeys what is written in them.
 */
export function renderText({ version, verdict, findings }: Report): string {
  const lines = findings.flatMap(({ id, subject, verdict, found, fix, claims }) => [
    `${label(verdict).padEnd(VERDICT_WIDTH)}${id.padEnd(ID_WIDTH)}${subject === undefined ? '' : `${subject}: `}${found}`,
    ...(fix === undefined ? [] : [`${INDENT}fix: ${fix}`]),
    ...(claims === undefined ? [] : [`${INDENT}claims: ${JSON.stringify(claims)}`]),
  ])
  return `${[`aws-outbound-jwt-proxy ${version}: ${label(verdict)}`, ...lines].map(printable).join('\n')}\n`
}

const label = (verdict: Verdict): string => (verdict === 'fail' ? 'FAIL' : verdict)
