import { errorCode } from '@aws-outbound-jwt-injector/proxy/runtime'
import type { Problem } from '@aws-outbound-jwt-injector/proxy/contract'
import { describeProblem, printable } from '@aws-outbound-jwt-injector/proxy/contract'
import { createInjector } from '../../injection/decide.ts'
import type { Policy } from '../../injection/policy/policy.ts'
import { createPolicy } from '../../injection/policy/policy.ts'
import { parsePolicyRules } from '../../injection/policy/rules.ts'
import type { Given } from '../arguments.ts'
import { EXITS } from '../commands.ts'
import { jsonText } from '../json.ts'
import type { Outcome, World } from '../outcome.ts'
import { UsageError } from '../usage.ts'
import { unifiedDiff } from './diff.ts'
import type { Finding } from './findings.ts'
import { formatFinding } from './findings.ts'
import type { InjectDeps } from './inject.ts'
import { applyAll, decideAll, findingsOf } from './inject.ts'
import { joinDocuments } from './join.ts'
import { lint } from './lint.ts'
import { parseManifests } from './manifests.ts'
import type { Source } from './source.ts'
import { readValues } from './values.ts'

/** What both commands work on. */
interface Input {
  readonly sources: readonly Source[]
  readonly deps: InjectDeps
  /** For standard error: an empty file is no error, because a chart may render nothing. */
  readonly empty: string
}

/** @throws UsageError naming a file that cannot be used. */
function readInput(given: Given, { read }: World): Input {
  const { options } = given
  const [values, ...more] =
    options.values === undefined ? [] : parseManifests(readOrFail(read, options.values), options.values)
  if (more.length > 0) throw new UsageError(`${options.values ?? ''}: expected one document of values`)
  const { settings, namespaceOptIn, policy: policyOfValues } = readValues(values?.data)
  const policyOfFile =
    options.policy === undefined ? undefined : readPolicy(options.policy, readOrFail(read, options.policy))
  if (policyOfFile && policyOfValues)
    throw new UsageError(`expected --policy without policy.rules in ${options.values ?? ''}: there is one policy`)
  // Where a namespace is missing, whoever applies the manifest names it: `inject` leaves the policy to the webhook.
  const policy = given.command === 'lint' ? (policyOfFile ?? policyOfValues) : undefined
  const sources = (options.file ?? []).map((file): Source => {
    const text = readOrFail(read, file)
    return { file, text, manifests: parseManifests(text, file) }
  })
  const empty = sources.filter(({ manifests }) => manifests.length === 0)
  return {
    sources,
    deps: { inject: createInjector(settings, () => policy), namespaceOptIn },
    empty: empty.map(({ file }) => `${printable(file)}: warning: no manifest in it\n`).join(''),
  }
}

/** @throws UsageError naming every rule that is wrong. */
function readPolicy(file: string, text: string): Policy {
  const problems: Problem[] = []
  const rules = parsePolicyRules(text, file, (problem) => problems.push(problem))
  if (!rules) throw new UsageError(...problems.map(describeProblem))
  return createPolicy(rules)
}

/** Prints what is to be fixed, or to be known. @throws UsageError */
export function runLint(given: Given, world: World): Outcome {
  const { sources, deps, empty } = readInput(given, world)
  const { findings, summary } = lint(sources, deps)
  const status = statusOf(findings)
  if (given.output === 'json') return { status, stdout: jsonText(findings), stderr: empty }
  const stdout = findings.map((one) => `${formatFinding(one)}\n`).join('')
  return { status, stdout, stderr: `${empty}${summary}\n` }
}

/** Prints manifests with the sidecar in their pods; nothing when a pod is refused, so that nothing half-done is applied. @throws UsageError */
export function runInject(given: Given, world: World): Outcome {
  const { diff = false, output } = given.options
  if (diff && output !== undefined) throw new UsageError('expected --diff without -o')
  const { sources, deps, empty } = readInput(given, world)
  const pods = decideAll(sources, deps)
  const findings = findingsOf(pods)
  const status = statusOf(findings)
  const stderr = findings.map((finding) => `${formatFinding(finding)}\n`).join('') + empty
  if (status !== EXITS.fine.status) return { status, stdout: '', stderr }
  applyAll(pods)
  return { status, stdout: diff ? diffOf(sources) : given.output === 'json' ? jsonOf(sources) : yamlOf(sources), stderr }
}

const statusOf = (findings: readonly Finding[]): number =>
  (findings.some(({ severity }) => severity === 'error') ? EXITS.found : EXITS.fine).status

const diffOf = (sources: readonly Source[]): string =>
  sources.map((source) => unifiedDiff(source.file, source.text, textOf(source))).join('')

const yamlOf = (sources: readonly Source[]): string => joinDocuments(sources.map(textOf))

const textOf = ({ text, manifests }: Source): string =>
  manifests.length === 0 ? text : joinDocuments(manifests.map((manifest) => manifest.text()))

/** One object as itself, several as a List, as kubectl prints them. */
function jsonOf(sources: readonly Source[]): string {
  const results = sources.flatMap(({ manifests }) => manifests.map((manifest) => manifest.result()))
  const [first] = results
  const value = results.length === 1 ? first : { apiVersion: 'v1', kind: 'List', items: results }
  return jsonText(value)
}

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
    const why = UNREADABLE.get(errorCode(error) ?? '') ?? (error instanceof Error ? error.message : String(error))
    throw new UsageError(`${file}: ${why}`)
  }
}

const UNREADABLE = new Map([
  ['ENOENT', 'there is no such file'],
  ['EACCES', 'you may not read this file'],
])
