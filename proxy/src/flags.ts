import { parseArgs } from 'node:util'
import type { Problem } from './contract.ts'
import { VERSION } from './contract.ts'
import type { Naming, Setting, SettingsTable } from './runtime/index.ts'

/** What a command line says: values by variable. A flag wins over its variable. */
export interface Flags {
  readonly values: Readonly<Record<string, string>>
  readonly nameOf: Naming
  readonly problems: readonly Problem[]
  /** Print this and end, instead of anything else. */
  readonly wants: 'help' | 'version' | undefined
}

export const NO_FLAGS: Flags = { values: {}, nameOf: (variable) => variable, problems: [], wants: undefined }

/** `UPSTREAM_HOST` is `upstream-host`. */
const flagName = (variable: string): string => variable.toLowerCase().replaceAll('_', '-')

const KNOWN = 'a flag that --help lists'
const NO_ARGUMENTS = 'no arguments but flags; the value of a flag that is true or false is written --flag=value'

/**
 * Reads `--flag=value`, `--flag value` and, for what is true or false, `--flag` alone; a flag given twice has its last value.
 * @param args without the program.
 */
export function readFlags(table: SettingsTable, args: readonly string[]): Flags {
  const settings = new Map<string, Setting<unknown>>(Object.values(table).map((row) => [flagName(row.variable), row]))
  const options = Object.fromEntries(
    [...settings].map(([name, { alone }]) => [name, { type: alone === undefined ? 'string' : 'boolean' } as const]),
  )
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true })
  const values: Record<string, string> = {}
  const problems: Problem[] = []
  let wants: Flags['wants']
  let afterUnknown = false
  for (const token of tokens) {
    // What follows an unknown flag is most likely its value.
    if (token.kind === 'positional' && !afterUnknown)
      problems.push({ where: `argument ${token.index + 1}`, value: token.value, allowed: NO_ARGUMENTS })
    afterUnknown = false
    if (token.kind !== 'option') continue
    const setting = settings.get(token.name)
    if (token.name === 'help' || token.name === 'version') wants = token.name
    else if (!setting || !token.rawName.startsWith('--')) {
      problems.push({ where: token.rawName, value: token.rawName, allowed: KNOWN })
      afterUnknown = true
    } else {
      const value = token.value ?? setting.alone
      if (value === undefined) problems.push({ where: token.rawName, value: '', allowed: `${token.rawName}=value` })
      else values[setting.variable] = joined(values[setting.variable], value, setting)
    }
  }
  const nameOf: Naming = (variable) => (Object.hasOwn(values, variable) ? `--${flagName(variable)}` : variable)
  return { values, nameOf, problems, wants }
}

function joined(before: string | undefined, value: string, { repeatable }: Setting<unknown>): string {
  return repeatable === true && before !== undefined ? `${before},${value}` : value
}

/** @returns the text of `--help`. @param standalone the same rows with the defaults of standalone mode. */
export function formatHelp(table: SettingsTable, standalone: SettingsTable): string {
  const rows = Object.entries(table).map(
    ([name, { variable, fallback, doc }]) =>
      `  --${flagName(variable)}, ${variable}${defaults(fallback, standalone[name]?.fallback)}\n      ${doc.replaceAll('`', '')}`,
  )
  return `aws-outbound-jwt-proxy ${VERSION}

Adds short-lived JWTs, minted by AWS STS, to requests to the hosts you name.
Every flag is also a variable; the flag wins. Write --flag=value or --flag value. Defaults are in parentheses.

${rows.join('\n')}

  --help
      Prints this.
  --version
      Prints the version.
`
}

function defaults(sidecar: string, standalone: string | undefined): string {
  if (standalone !== undefined && standalone !== sidecar) return ` (${sidecar}, standalone ${standalone})`
  return sidecar === '' ? '' : ` (${sidecar})`
}
