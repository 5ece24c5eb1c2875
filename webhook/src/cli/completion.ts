import type { CommandName, CommandRow, OptionName } from './commands.ts'
import { COMMANDS, COMMAND_NAMES, OPTIONS, optionsOf } from './commands.ts'
import { PROGRAM, docOf } from './usage.ts'

/** @param shell one of `SHELLS`. @returns a script for it; both shells take it by `source <(outbound-jwt completion SHELL)`. */
export function completion(shell: string): string {
  return shell === 'zsh' ? zsh() : bash()
}

/** Without an answer bash completes files, which is right after `--file`. */
const bash = (): string => `_outbound_jwt() {
  local current=\${COMP_WORDS[COMP_CWORD]} words=''
  case "\${COMP_WORDS[1]} \${COMP_WORDS[COMP_CWORD-1]}" in
${COMMAND_NAMES.flatMap(bashValues).join('\n')}
    *)
      if ((COMP_CWORD == 1)); then words='${COMMAND_NAMES.join(' ')} --help --version'
      else case "\${COMP_WORDS[1]}" in
${COMMAND_NAMES.map(bashOptions).join('\n')}
      esac; fi ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _outbound_jwt ${PROGRAM}
`

/** @returns cases for what follows an option that has a value, and the command itself where it has an argument. */
function bashValues(name: CommandName): readonly string[] {
  const row: CommandRow = COMMANDS[name]
  const values = optionsOf(row).flatMap((option) => {
    const forms = dashed(option).map((form) => `'${name} ${form}'`)
    return 'value' in OPTIONS[option] ? [`    ${forms.join('|')}) words='${valuesOf(row, option).join(' ')}' ;;`] : []
  })
  return row.argument
    ? [...values, `    '${name} ${name}') words='${(row.argument.values ?? []).join(' ')}' ;;`]
    : values
}

const bashOptions = (name: CommandName): string =>
  `        ${name}) words='${[...optionsOf(COMMANDS[name]), 'help'].map((option) => `--${option}`).join(' ')}' ;;`

const valuesOf = ({ formats }: CommandRow, option: OptionName): readonly string[] =>
  (option === 'output' ? formats : undefined) ?? []

const zsh = (): string => `_outbound_jwt() {
  local -a commands=(
${COMMAND_NAMES.map((name) => `    ${quoted(`${name}:${COMMANDS[name].doc}`)}`).join('\n')}
  )
  if ((CURRENT == 2)); then _describe command commands; return; fi
  shift words; ((CURRENT--))
  case $words[1] in
${COMMAND_NAMES.map(zshCommand).join('\n')}
  esac
}
compdef _outbound_jwt ${PROGRAM}
`

function zshCommand(name: CommandName): string {
  const row: CommandRow = COMMANDS[name]
  const options = [...optionsOf(row), 'help' as const].flatMap((option) =>
    dashed(option).map((form) => zshOption(row, option, form)),
  )
  const argument = row.argument && quoted(`1:${row.argument.name}:(${(row.argument.values ?? []).join(' ')})`)
  return `    ${name}) _arguments ${[...(argument === undefined ? [] : [argument]), ...options].join(' ')} ;;`
}

function zshOption(row: CommandRow, name: OptionName, form: string): string {
  const option = OPTIONS[name]
  const repeated = 'multiple' in option ? '*' : ''
  const doc = docOf(row, name).replaceAll(/[[\]:]/g, String.raw`\$&`)
  if (!('value' in option)) return quoted(`${repeated}${form}[${doc}]`)
  const action = option.value === 'FILE' ? '_files' : `(${valuesOf(row, name).join(' ')})`
  return quoted(`${repeated}${form}[${doc}]:${option.value}:${action}`)
}

function dashed(name: OptionName): readonly string[] {
  const option = OPTIONS[name]
  return 'short' in option ? [`-${option.short}`, `--${name}`] : [`--${name}`]
}

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`
