import { parseArgs } from 'node:util'
import { nearest } from '../injection/annotations/nearest.ts'
import type { CommandName, CommandRow, OptionName } from './commands.ts'
import { COMMANDS, COMMAND_NAMES, OPTIONS, optionsOf } from './commands.ts'
import { PROGRAM, UsageError } from './usage.ts'

type Parsed = ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>>

/** What a command is called with, checked against its row. */
export interface Given {
  readonly command: CommandName
  /** Empty for a command without one. */
  readonly argument: string
  readonly options: Parsed['values']
  /** One of the command's formats, empty for a command without any. */
  readonly output: string
}

export type Request = { readonly help: CommandName | undefined } | { readonly version: true } | { readonly run: Given }

/** @throws UsageError */
export function readArguments(args: readonly string[]): Request {
  const { values, positionals } = parse(args)
  const [name, ...rest] = positionals
  if (values.version === true) return { version: true }
  if (values.help === true) return { help: name !== undefined && isCommand(name) ? name : undefined }
  if (name === undefined || !isCommand(name)) throw new UsageError(unknownCommand(name))
  const row: CommandRow = COMMANDS[name]
  const argument = argumentOf(row, name, rest)
  checkOptions(row, name, Object.keys(values) as OptionName[])
  return { run: { command: name, argument, options: values, output: outputOf(row, values.output) } }
}

const isCommand = (name: string): name is CommandName => Object.hasOwn(COMMANDS, name)

function unknownCommand(name: string | undefined): string {
  const close = name === undefined ? undefined : nearest(name, COMMAND_NAMES)
  const hint = close === undefined ? '' : `; did you mean ${close}?`
  return `expected a command (${COMMAND_NAMES.join(', ')}), got ${name ?? 'nothing'}${hint || `; ${PROGRAM} --help says what each does`}`
}

function argumentOf({ argument, options }: CommandRow, name: string, given: readonly string[]): string {
  if (argument === undefined) {
    if (given.length === 0) return ''
    throw new UsageError(
      options.includes('file')
        ? `expected -f before each file, got ${given.join(' ')}`
        : `expected nothing after ${name}, got ${given.join(' ')}`,
    )
  }
  const [only, ...more] = given
  if (only === undefined || only === '' || more.length > 0 || argument.values?.includes(only) === false)
    throw new UsageError(`expected ${name} ${argument.name}: ${argument.doc}; got ${given.join(' ') || 'nothing'}`)
  return only
}

function checkOptions(row: CommandRow, name: string, given: readonly OptionName[]): void {
  const known = optionsOf(row)
  for (const option of given)
    if (!known.includes(option))
      throw new UsageError(
        `--${option} is no option of ${name}; expected ${known.map((one) => `--${one}`).join(', ') || 'none'}`,
      )
  for (const option of row.needs ?? [])
    if (!given.includes(option))
      throw new UsageError(option === 'file' ? 'expected -f FILE, or -f - for standard input' : `expected --${option}`)
}

function outputOf({ formats }: CommandRow, given: string | undefined): string {
  if (formats === undefined) return ''
  const output = given ?? formats[0]
  if (!formats.includes(output)) throw new UsageError(`expected -o ${formats.join(' or ')}, got ${output}`)
  return output
}

function parse(args: readonly string[]): Parsed {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    // What follows its first sentence, on the same line or the next, is about arguments that begin with a dash.
    const [said = ''] = (error instanceof Error ? error.message : String(error)).split(/\.[ \n]/, 1)
    throw new UsageError(`${said}; ${PROGRAM} --help lists commands and options`)
  }
}
