import type { Machine } from './machine.ts'
import type { Bar, Cell, KeptResult, Report, Result, Table } from './result.ts'
import { holds } from './result.ts'

/** @returns the page: where it was measured, all bars in one table, then every result. */
export function reportMarkdown({ at, machine, missing, results }: Report): string {
  const bars = results.flatMap(({ bars }) => bars)
  const count = (verdict: boolean | undefined): number => bars.filter((bar) => holds(bar) === verdict).length
  const parts = [
    '# What the benches say',
    `Put together ${minute(at)} by \`npm run bench\`. Bars are ratios and counts within this run wherever they can be: machines differ by a factor of four. [What it means](../../../docs/performance.md).`,
    machineMarkdown(machine),
    ...(missing.length > 0 ? [`**Without a result: ${missing.join(', ')}.**`] : []),
    `Bars held: ${count(true)}, missed: ${count(false)}, not measured: ${count(undefined)}.`,
    barTable(bars),
    ELSEWHERE,
    ...results.map(sectionOf),
  ]
  return `${parts.join('\n\n')}\n`
}

/** Without its bars, which are in the first table. */
function sectionOf(result: KeptResult): string {
  const conditions = [...result.conditions, `Measured ${minute(result.at)}.`]
  return resultMarkdown({ ...result, conditions, bars: [] }).trimEnd()
}

/** @param at ISO 8601. */
const minute = (at: string): string => `${at.slice(0, 16).replace('T', ' ')} UTC`

/** Bars that are counts of another program. */
const ELSEWHERE =
  'Counted elsewhere: faults, outages, drains and leaks by `npm run test:faults` ([reliability](../../../docs/reliability.md)), bad input by `npm run fuzz`, renewal of the certificate by `npm run test:e2e`.'

/** @returns a result as a section of the report. */
export function resultMarkdown({ title, conditions, bars, tables }: Result): string {
  const parts = [
    `## ${title}`,
    conditions.map((condition) => `- ${condition}`).join('\n'),
    ...(bars.length > 0 ? [barTable(bars)] : []),
    ...tables.map(tableMarkdown),
  ]
  return `${parts.join('\n\n')}\n`
}

function tableMarkdown({ title, columns, rows, notes = [] }: Table): string {
  return [`### ${title}`, markdownTable(columns, rows), ...notes].join('\n\n')
}

function markdownTable(columns: readonly string[], rows: Table['rows']): string {
  const lines = [columns, columns.map(() => '---'), ...rows.map((row) => row.map(cellText))]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function machineMarkdown({ cpu, cores, memoryGiB, kernel, versions }: Machine): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return `${cores} cores of ${cpu}, ${memoryGiB} GiB, Linux ${kernel}; ${programs.join(', ')}.`
}

const BAR_COLUMNS = ['bar', 'limit', 'measured', '']
const VERDICTS = new Map([
  [true, 'held'],
  [false, '**missed**'],
  [undefined, 'not measured'],
])

function barTable(bars: readonly Bar[]): string {
  return markdownTable(BAR_COLUMNS, bars.map(barCells))
}

function barCells(bar: Bar): readonly string[] {
  const { what, bound, limit, measured, unit } = bar
  const verdict = holds(bar)
  const value = verdict === undefined ? cellText(undefined) : `${cellText(measured)} ${unit}`
  return [what, `${bound} ${limit.toLocaleString('en')} ${unit}`, value, VERDICTS.get(verdict) ?? '']
}

function cellText(cell: Cell): string {
  return typeof cell === 'number' ? numberText(cell) : (cell ?? '–')
}

/** Three significant digits: the fourth is noise. */
function numberText(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return value.toPrecision(3)
}
