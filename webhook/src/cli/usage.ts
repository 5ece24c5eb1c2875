import { printable } from '@aws-outbound-jwt-injector/proxy/contract'
import type { CommandName, CommandRow, OptionName } from './commands.ts'
import { COMMANDS, COMMAND_NAMES, EXITS, OPTIONS, optionsOf } from './commands.ts'

/** The name of the program; kubectl finds it as a plugin under `kubectl-outbound_jwt`. */
export const PROGRAM = 'outbound-jwt'

/** @returns the address of a page of the documentation. */
export const pageUrl = (page: string): string =>
  `https://github.com/aws-outbound-jwt-injector/aws-outbound-jwt-injector/blob/main/docs/${page}`

/**
 * What the caller got wrong: arguments, a file, a value. The message says what, where and the allowed form.
 * SECURITY: in printable ASCII. Others name files, whose names may have line feeds, and a terminal obeys what is in them.
 */
export class UsageError extends Error {
  override readonly name = 'UsageError'

  /** @param lines of the message; a line feed in one of them is shown as text. */
  constructor(...lines: readonly string[]) {
    super(lines.map(printable).join('\n'))
  }
}

/** @returns what the program can do. */
export function usage(): string {
  return `${PROGRAM}: AWS-signed JWTs for calls to partners, seen from the command line

${table(COMMAND_NAMES.map((name) => [name, COMMANDS[name].doc]))}

${table((['help', 'version'] as const).map((name) => [optionForms(name), OPTIONS[name].doc]))}

Exit status:
${table(Object.values(EXITS).map(({ status, doc }) => [String(status), doc]))}
`
}

/** @returns what one command can do. */
export function usageOf(name: CommandName): string {
  const row: CommandRow = COMMANDS[name]
  const rows = [
    ...(row.argument ? [[row.argument.name, row.argument.doc] as const] : []),
    ...optionsOf(row).map((option) => [optionForms(option), docOf(row, option)] as const),
  ]
  return `${synopsis(name)}\n\n${row.doc}\n\n${table(rows)}\n`
}

/** @returns how a command is called. */
export function synopsis(name: CommandName): string {
  const row: CommandRow = COMMANDS[name]
  return [
    PROGRAM,
    name,
    ...(row.argument ? [row.argument.name] : []),
    ...optionsOf(row).map((option) => optional(row, option)),
  ].join(' ')
}

/** @returns what an option does, its formats included. */
export function docOf({ formats }: CommandRow, option: OptionName): string {
  return option === 'output' && formats ? `${OPTIONS.output.doc}: ${formats.join(' or ')}` : OPTIONS[option].doc
}

/** @returns how an option is written: `-f, --file FILE`. */
export function optionForms(name: OptionName): string {
  const option = OPTIONS[name]
  const forms = [...('short' in option ? [`-${option.short}`] : []), `--${name}`].join(', ')
  return 'value' in option ? `${forms} ${option.value}` : forms
}

function optional({ needs = [], formats }: CommandRow, name: OptionName): string {
  const option = OPTIONS[name]
  const dashed = 'short' in option ? `-${option.short}` : `--${name}`
  const value = name === 'output' && formats ? formats.join('|') : 'value' in option ? option.value : undefined
  const form = value === undefined ? dashed : `${dashed} ${value}`
  const more = 'multiple' in option ? ` [${form}]...` : ''
  return needs.includes(name) ? `${form}${more}` : `[${form}]${more}`
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`).join('\n')
}
