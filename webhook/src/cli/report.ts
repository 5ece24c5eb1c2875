import { printable } from '@aws-outbound-jwt-injector/proxy/contract'
import { EXITS } from './commands.ts'
import { jsonText } from './json.ts'
import type { Outcome } from './outcome.ts'
import { pageUrl } from './usage.ts'

/** What one check came to. */
export interface Finding {
  /** Checks of one kind stand together. */
  readonly group: string
  readonly verdict: 'pass' | 'warn' | 'fail' | 'skip'
  /** One sentence, without its full stop. */
  readonly found: string
  readonly fix?: string
  /** A page of the documentation, perhaps with an anchor. */
  readonly page?: string
}

const MARKS: Readonly<Record<Finding['verdict'], string>> = { pass: '√', warn: '‼', fail: '×', skip: '-' }

/** @param output `text` or `json`. @returns the findings for people or programs; the status says whether one failed, or was not looked at. */
export function report(findings: readonly Finding[], output: string): Outcome {
  const has = (verdict: Finding['verdict']): boolean => findings.some((one) => one.verdict === verdict)
  return {
    status: (has('fail') ? EXITS.found : has('skip') ? EXITS.unavailable : EXITS.fine).status,
    stdout: output === 'json' ? jsonText(findings) : renderText(findings),
    stderr: '',
  }
}

function renderText(findings: readonly Finding[]): string {
  const groups = [...new Set(findings.map(({ group }) => group))]
  return groups
    .map((group) => [group, ...findings.filter((one) => one.group === group).flatMap(lines), ''].join('\n'))
    .join('\n')
}

/** SECURITY: a cluster and an issuer say things that others wrote, and a terminal obeys them. */
function lines({ verdict, found, fix, page }: Finding): readonly string[] {
  return [
    `  ${MARKS[verdict]} ${printable(found)}`,
    ...(fix === undefined ? [] : [`      fix: ${printable(fix)}`]),
    ...(page === undefined || verdict === 'pass' ? [] : [`      see ${pageUrl(page)}`]),
  ]
}
