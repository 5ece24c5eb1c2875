import type { Machine } from './machine.ts'
import type { Bar, Cell, Result, Table } from './result.ts'
import { holds } from './result.ts'

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

export function tableMarkdown({ title, columns, rows, notes = [] }: Table): string {
  const table = [columns, columns.map(() => '---'), ...rows.map((row) => row.map(cellText))]
  const lines = table.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  return [`### ${title}`, lines, ...notes].join('\n\n')
}

export function machineMarkdown({ cpu, cores, memoryGiB, kernel, versions }: Machine): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return `${cores} cores of ${cpu}, ${memoryGiB} GiB, Linux ${kernel}; ${programs.join(', ')}.`
}

function barTable(bars: readonly Bar[]): string {
  return tableMarkdown({
    title: 'Bars',
    columns: ['bar', 'limit', 'measured', ''],
    rows: bars.map(barCells),
  })
}

/** Bar, limit, measured, verdict. */
export function barCells(bar: Bar): readonly string[] {
  const { what, bound, limit, measured, unit } = bar
  const verdicts = new Map([
    [true, 'held'],
    [false, '**missed**'],
    [undefined, 'not measured'],
  ])
  const value = measured === undefined ? cellText(undefined) : `${cellText(measured)} ${unit}`
  return [what, `${bound} ${limit} ${unit}`, value.trim(), verdicts.get(holds(bar)) ?? '']
}

function cellText(cell: Cell): string {
  if (cell === undefined) return '–'
  return typeof cell === 'number' ? numberText(cell) : cell
}

/** Three significant digits: the fourth is noise. */
function numberText(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return value.toPrecision(3)
}
