import type { Parser } from '../contract/parsers.ts'
import type { Problem, Report } from '../contract/problem.ts'
import { describeProblem } from '../contract/problem.ts'

/** One environment variable of a process: a row of the table that configuration and docs are made from. */
export interface Setting<T> {
  readonly variable: string
  /** As one would write it in the variable; also what an empty variable means. */
  readonly fallback: string
  /** Parses one text value; `report` is for values with several problems, which then return undefined. */
  readonly parse: SettingParser<T>
  /** What it does, one sentence for the docs. */
  readonly doc: string
  /** What its flag means without a value. */
  readonly alone?: string
  /** Its flag may be given several times, each for one item of the comma separated value. */
  readonly repeatable?: boolean
}

export type SettingParser<T> = (text: string, variable: string, report: Report) => T | undefined

export type SettingsTable = Readonly<Record<string, Setting<unknown>>>

export type Settings<Table extends SettingsTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer T> ? T : never
}

/** Every problem of an environment at once. `main.ts` prints the message and exits 64. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(['These settings cannot be used:', ...problems.map((problem) => `  ${describeProblem(problem)}`)].join('\n'))
    this.problems = problems
  }
}

/** Makes a setting out of a parser for a single text value. */
export const setting = <T>(variable: string, fallback: string, parse: Parser<T>, doc: string): Setting<T> => ({
  variable,
  fallback,
  doc,
  parse: (text, where, report) => {
    const parsed = parse(text)
    if (parsed.ok) return parsed.value
    report({ where, value: text, allowed: parsed.allowed })
    return undefined
  },
})

/** How a value's author calls the setting: by its variable, unless a flag gave the value. */
export type Naming = (variable: string) => string

/**
 * Reads a table of settings from an environment. Unset and empty mean the same.
 * @returns the frozen configuration.
 * @throws SettingsError naming every problem.
 */
export function readSettings<Table extends SettingsTable>(
  table: Table,
  environment: Readonly<Record<string, string | undefined>>,
): Settings<Table> {
  const problems: Problem[] = []
  const settings = parseSettings(
    table,
    environment,
    (variable) => variable,
    (problem) => problems.push(problem),
  )
  if (problems.length > 0) throw new SettingsError(problems)
  return Object.freeze(settings) as Settings<Table>
}

/** The same, for a caller that has more to check. @returns the values; one that was reported is undefined. */
export function parseSettings<Table extends SettingsTable>(
  table: Table,
  environment: Readonly<Record<string, string | undefined>>,
  nameOf: Naming,
  report: Report,
): Partial<Settings<Table>> {
  const entries = Object.entries(table).map(([name, { variable, fallback, parse }]) => {
    const given = environment[variable]
    const text = given === undefined || given === '' ? fallback : given
    return [name, parse(text, nameOf(variable), report)] as const
  })
  return Object.fromEntries(entries) as Partial<Settings<Table>>
}
