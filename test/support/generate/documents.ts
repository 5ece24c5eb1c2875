import { glob } from 'node:fs/promises'
import { basename } from 'node:path'

/** A file of the repository that is made from tables in the code. */
export interface GeneratedDocument {
  /** From the root of the repository. */
  readonly path: string
  readonly content: string
}

interface Source {
  readonly documents?: () => readonly GeneratedDocument[]
}

/** @returns every document that a module in this folder makes. */
export async function documents(): Promise<readonly GeneratedDocument[]> {
  const result: GeneratedDocument[] = []
  for await (const file of glob(`${import.meta.dirname}/*.ts`)) {
    if (basename(file) === basename(import.meta.filename)) continue
    const source = (await import(file)) as Source
    result.push(...(source.documents?.() ?? []))
  }
  return result.sort((a, b) => (a.path < b.path ? -1 : 1))
}

export const GENERATED = '<!-- Generated from the code by `npm run generate`; do not edit. -->'

/** Outside of code, `<` would begin an HTML tag, which readers do not see. */
const escaped = (cell: string): string =>
  cell
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ')
    .replaceAll(/(`[^`]*`)|<(?!https:)/g, (_, code?: string) => code ?? '\\<')

/** @returns a Markdown table; cell texts are escaped. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}
