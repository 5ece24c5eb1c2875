import { parseArgs } from 'node:util'
import { UsageError } from './usage.ts'

/** What the command line asks for. */
export type Command =
  | { readonly name: 'help' }
  | { readonly name: 'version' }
  | {
      readonly name: 'inject' | 'lint'
      readonly files: readonly string[]
      /** Values of the chart. */
      readonly values: string | undefined
      readonly diff: boolean
      readonly output: string
    }

/** The first format of a command is its default. */
const FORMATS = { inject: ['yaml', 'json'], lint: ['text', 'json'] } as const

const OPTIONS = {
  file: { type: 'string', short: 'f', multiple: true },
  values: { type: 'string' },
  diff: { type: 'boolean' },
  output: { type: 'string', short: 'o' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const

/** @throws UsageError */
export function readArguments(args: readonly string[]): Command {
  const { values, positionals } = parse(args)
  if (values.help === true) return { name: 'help' }
  if (values.version === true) return { name: 'version' }
  const [name, ...extra] = positionals
  if (name !== 'inject' && name !== 'lint') throw new UsageError(`expected inject or lint, got ${name ?? 'nothing'}`)
  if (extra.length > 0) throw new UsageError(`expected -f before each file, got ${extra.join(' ')}`)
  if (values.file === undefined) throw new UsageError('expected -f FILE, or -f - for standard input')
  const { file: files, values: chartValues, diff = false } = values
  if (diff && (name === 'lint' || values.output !== undefined))
    throw new UsageError('expected --diff with inject and without -o')
  return { name, files, values: chartValues, diff, output: outputOf(FORMATS[name], values.output) }
}

function outputOf(formats: readonly [string, ...string[]], output = formats[0]): string {
  if (!formats.includes(output)) throw new UsageError(`expected -o ${formats.join(' or ')}, got ${output}`)
  return output
}

function parse(
  args: readonly string[],
): ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>> {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}
