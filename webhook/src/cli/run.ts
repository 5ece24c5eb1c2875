import { EXIT, VERSION } from '@aws-outbound-jwt-injector/proxy/contract'
import { errorCode } from '@aws-outbound-jwt-injector/proxy/runtime'
import { createInjector } from '../injection/decide.ts'
import type { Command } from './arguments.ts'
import { readArguments } from './arguments.ts'
import { unifiedDiff } from './diff.ts'
import { formatFinding } from './findings.ts'
import type { InjectDeps } from './inject.ts'
import { applyAll, decideAll, findingsOf } from './inject.ts'
import { lint } from './lint.ts'
import { parseManifests } from './manifests.ts'
import type { Source } from './source.ts'
import { USAGE, UsageError } from './usage.ts'
import { readValues } from './values.ts'

/** What a run leaves behind. */
export interface Outcome {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Something was refused, or is to be fixed. */
const FOUND = 1

/**
 * Runs the command line.
 * @param read reads a file, `-` being standard input; may throw.
 */
export function run(args: readonly string[], read: (file: string) => Uint8Array): Outcome {
  try {
    return execute(readArguments(args), (file) => readOrFail(read, file))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return { status: EXIT.settings, stdout: '', stderr: `aws-outbound-jwt: ${error.message}\n` }
  }
}

function execute(command: Command, read: (file: string) => string): Outcome {
  if (command.name === 'help') return printed(USAGE)
  if (command.name === 'version') return printed(`${VERSION}\n`)
  const [values, ...more] = command.values === undefined ? [] : parseManifests(read(command.values), command.values)
  if (more.length > 0) throw new UsageError(`${command.values ?? ''}: expected one document of values`)
  const { settings, namespaceOptIn } = readValues(values?.data)
  const sources = command.files.map((file): Source => {
    const text = read(file)
    return { file, text, manifests: parseManifests(text, file) }
  })
  const deps = { inject: createInjector(settings), namespaceOptIn }
  const outcome = command.name === 'lint' ? runLint(sources, deps, command.output) : runInject(sources, deps, command)
  const empty = sources.filter(({ manifests }) => manifests.length === 0)
  // Not an error: a chart may render nothing.
  return {
    ...outcome,
    stderr: outcome.stderr + empty.map(({ file }) => `${file}: warning: no manifest in it\n`).join(''),
  }
}

function runLint(sources: readonly Source[], deps: InjectDeps, output: string): Outcome {
  const findings = lint(sources, deps)
  const stdout =
    output === 'json'
      ? `${JSON.stringify(findings, null, 2)}\n`
      : findings.map((one) => `${formatFinding(one)}\n`).join('')
  return { status: findings.some(({ severity }) => severity === 'error') ? FOUND : 0, stdout, stderr: '' }
}

/** Prints nothing when a pod is refused, so that nothing half-done is applied. */
function runInject(
  sources: readonly Source[],
  deps: InjectDeps,
  { diff, output }: { readonly diff: boolean; readonly output: string },
): Outcome {
  const pods = decideAll(sources, deps)
  const findings = findingsOf(pods)
  const stderr = findings.map((finding) => `${formatFinding(finding)}\n`).join('')
  if (findings.some(({ severity }) => severity === 'error')) return { status: FOUND, stdout: '', stderr }
  applyAll(pods)
  if (diff)
    return {
      status: 0,
      stdout: sources.map((source) => unifiedDiff(source.file, source.text, textOf(source))).join(''),
      stderr,
    }
  return { status: 0, stdout: output === 'json' ? jsonOf(sources) : joined(sources.map(textOf)), stderr }
}

const textOf = ({ text, manifests }: Source): string =>
  manifests.length === 0 ? text : joined(manifests.map((manifest) => manifest.text()))

/** Every document but the first begins with `---`. */
function joined(documents: readonly string[]): string {
  return documents.reduce((all, document) => {
    if (all === '') return document
    const before = all.endsWith('\n') ? all : `${all}\n`
    return /^(?:\s*(?:#[^\n]*)?\n)*---/.test(document) ? before + document : `${before}---\n${document}`
  }, '')
}

/** One object as itself, several as a List, as kubectl prints them. */
function jsonOf(sources: readonly Source[]): string {
  const results = sources.flatMap(({ manifests }) => manifests.map((manifest) => manifest.result()))
  const [first] = results
  const value = results.length === 1 ? first : { apiVersion: 'v1', kind: 'List', items: results }
  return `${JSON.stringify(value, null, 2)}\n`
}

const printed = (stdout: string): Outcome => ({ status: 0, stdout, stderr: '' })

function readOrFail(read: (file: string) => Uint8Array, file: string): string {
  const bytes = bytesOrFail(read, file)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (errorCode(error) !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error
    throw new UsageError(`${file}: got bytes that are not UTF-8, expected YAML or JSON in UTF-8`)
  }
}

function bytesOrFail(read: (file: string) => Uint8Array, file: string): Uint8Array {
  try {
    return read(file)
  } catch (error) {
    if (errorCode(error) === 'EISDIR')
      throw new UsageError(`${file}: got a directory, expected a file; write -f before each file`)
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
