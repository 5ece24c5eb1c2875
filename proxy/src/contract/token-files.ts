import type { FieldParser } from './fields.ts'
import { isRecord, kindOf, rejectUnknown, show, stringField, withoutSecrets } from './fields.ts'
import { matching } from './exchange-values.ts'
import type { Problem, Report } from './problem.ts'
import type { TokenFields } from './route-fields.ts'
import { ROUTE_DEFAULTS, ROUTE_FIELDS, TOKEN_FIELD_NAMES } from './route-fields.ts'
import { parseList } from './json.ts'
import type { SdkChoice } from './sdks.ts'
import { chosenSdk, sdkChoice, sdkTaker } from './sdks.ts'
import { completeToken, tokenDefaults } from './token-rules.ts'

/** A file that applications read a token from, and how the token is made. */
export interface TokenFile extends TokenFields {
  /** Of the file in the directory of tokens. */
  readonly name: string
  /** Whose variables the webhook sets. TOKEN_FILES has it only where the sidecar writes a file next to the token. */
  readonly sdk?: SdkChoice
}

/** More would not fit in the volume with tokens of the largest size. */
export const MOST_TOKEN_FILES = 32

/** SECURITY: no slash, and no dot at its start, where the file is that becomes the token by renaming. */
const nameText = matching(/^[A-Za-z0-9][\w.-]{0,62}$/, '1 to 63 letters, digits or ._-, the first a letter or digit')

const name = stringField(nameText)
export const TOKEN_FILE_FIELD_NAMES = ['name', 'sdk', ...TOKEN_FIELD_NAMES] as const
export type TokenFileFieldName = (typeof TOKEN_FILE_FIELD_NAMES)[number]

/** @returns the parser of a value of TOKEN_FILES. */
export const tokenFileParser = (field: TokenFileFieldName): FieldParser<unknown> =>
  field === 'name' ? name : field === 'sdk' ? sdkChoice : ROUTE_FIELDS[field].parse

/** @returns the file in which Google's libraries look for what to do with the token. */
export const googleCredentialsName = (file: Pick<TokenFile, 'name'>): string => `${file.name}.json`

type Values = Readonly<Partial<Record<TokenFileFieldName, unknown>>>

/**
 * Builds one token file from raw values; absent fields get their defaults.
 * @param where a field came from, for its problems.
 * @param parserOf for values in another form than that of TOKEN_FILES.
 * @returns undefined when anything was reported.
 */
export function buildTokenFile(
  values: Values,
  where: (field: TokenFileFieldName) => string,
  report: Report,
  parserOf: (field: TokenFileFieldName) => FieldParser<unknown> = tokenFileParser,
): TokenFile | undefined {
  const problems: Problem[] = []
  const collect: Report = (problem) => problems.push(problem)
  const { source, audience, durationSeconds, signingAlgorithm, tags } = ROUTE_DEFAULTS
  const parsed: Mutable = { source, audience, durationSeconds, signingAlgorithm, tags }
  for (const field of TOKEN_FILE_FIELD_NAMES) {
    if (values[field] === undefined) continue
    Object.assign(parsed, { [field]: parserOf(field)(values[field], where(field), collect) })
  }
  if (values.name === undefined) collect({ where: where('name'), value: undefined, allowed: 'the name of the file' })
  completeFile(parsed, values, where, collect)
  problems.forEach(report)
  return problems.length > 0 || parsed.name === undefined ? undefined : (Object.freeze(parsed) as TokenFile)
}

type Mutable = { -readonly [Field in TokenFileFieldName]?: TokenFile[Field] | undefined }

/** Fills in the defaults that depend on other fields, and holds the fields against each other. */
function completeFile(
  parsed: Mutable,
  values: Values,
  where: (field: TokenFileFieldName) => string,
  report: Report,
): void {
  const given = (field: TokenFileFieldName): boolean => values[field] !== undefined
  if (given('sdk') && given('exchange')) {
    const allowed = 'nothing beside sdk: the SDK exchanges the token itself'
    report({ where: where('exchange'), value: kindOf(values.exchange), allowed })
    return
  }
  // Nothing can be said where it was refused already.
  if (given('sdk') && parsed.sdk === undefined) return
  completeToken(parsed, given, where, report, parsed.sdk && sdkTaker(parsed.sdk))
  if (['sdk', 'exchange', 'audience'].some((field) => given(field as TokenFileFieldName))) return
  const allowed = 'at least one audience: a file has no host to make it from'
  report({ where: where('audience'), value: undefined, allowed })
}

/** Parses the TOKEN_FILES variable: a JSON array. Reports every problem; the result is empty when there was one. */
export function parseTokenFiles(json: string, variable: string, report: Report): readonly TokenFile[] {
  const entries = parseList(json, 'a JSON array of token files')
  if (!entries.ok) {
    report({ where: variable, value: withoutSecrets(json), allowed: entries.allowed })
    return []
  }
  const files = entries.value.map((entry, index) => {
    const prefix = `${variable}[${index}]`
    if (!isRecord(entry)) {
      report({ where: prefix, value: show(entry), allowed: 'a JSON object' })
      return undefined
    }
    rejectUnknown(entry, TOKEN_FILE_FIELD_NAMES, prefix, report)
    return buildTokenFile(entry, (field) => `${prefix}.${field}`, report)
  })
  if (files.includes(undefined)) return []
  const complete = files.filter((file) => file !== undefined)
  rejectSharedFiles(complete, variable, report)
  return complete
}

/** Every file once, and every SDK once: its variables name one file. */
export function rejectSharedFiles(files: readonly TokenFile[], where: string, report: Report): void {
  if (files.length > MOST_TOKEN_FILES)
    report({ where, value: `${files.length} files`, allowed: `at most ${MOST_TOKEN_FILES}` })
  const names = new Map<string, string>()
  const sdks = new Set<string>()
  files.forEach((file, index) => {
    const sdk = file.sdk && chosenSdk(file.sdk).name
    const taken = names.get(file.name)
    if (taken !== undefined)
      report({ where: `${where}[${index}].name`, value: file.name, allowed: `another name: ${taken}` })
    if (sdk !== undefined && sdks.has(sdk))
      report({ where: `${where}[${index}].sdk`, value: sdk, allowed: 'each SDK once: its variables name one file' })
    names.set(file.name, 'each file once')
    if (sdk !== undefined) sdks.add(sdk)
    if (sdk !== 'google') return
    const credentials = googleCredentialsName(file)
    if (names.has(credentials))
      report({
        where: `${where}[${index}].name`,
        value: file.name,
        allowed: `another name: ${credentials} is written next to it`,
      })
    names.set(credentials, `sdk google of ${file.name} writes that file`)
  })
}

/** @returns the TOKEN_FILES value, without defaults and without what the webhook alone reads. Same input, same bytes. */
export function formatTokenFiles(files: readonly TokenFile[]): string {
  return JSON.stringify(
    files.map(({ sdk, ...file }) => {
      const google = sdk?.google && { google: sdk.google }
      const written: Partial<TokenFile> = { ...file, ...(google && { sdk: google }) }
      const defaults: Readonly<Record<string, unknown>> = {
        ...ROUTE_DEFAULTS,
        ...tokenDefaults(file, google && sdkTaker(google)),
      }
      return Object.fromEntries(
        TOKEN_FILE_FIELD_NAMES.map((field) => [field, written[field]] as const).filter(
          ([field, value]) => value !== undefined && JSON.stringify(value) !== JSON.stringify(defaults[field]),
        ),
      )
    }),
  )
}
