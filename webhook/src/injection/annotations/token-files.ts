import type { Mount, Problem, Report, TokenFile, TokenFileFieldName } from '@aws-outbound-jwt-injector/proxy/contract'
import {
  ROUTE_FIELDS,
  TOKEN_FIELD_NAMES,
  buildTokenFile,
  formatTokenFiles,
  isRecord,
  rejectSharedFiles,
  rejectUnknown,
  show,
  tokenFileParser,
} from '@aws-outbound-jwt-injector/proxy/contract'
import type { MountedVolume } from './mounted-volume.ts'
import { mountedVolume, subjectTokenFile, subjectVolume } from './mounted-volume.ts'
import { LARGEST, readList } from './routes-yaml.ts'

/** A token file, and the volumes behind the files that its token is made from. */
export interface PlannedTokenFile {
  readonly file: TokenFile
  readonly mounted: readonly MountedVolume[]
}

/** Field → key as authors write it. */
const WRITTEN_KEYS: ReadonlyMap<TokenFileFieldName, string> = new Map<TokenFileFieldName, string>([
  ['name', 'name'],
  ['sdk', 'sdk'],
  ...TOKEN_FIELD_NAMES.flatMap((field) => {
    const { written } = ROUTE_FIELDS[field]
    return written === undefined ? [] : [[field, written.key] as const]
  }),
])
const KEYS = [...WRITTEN_KEYS.values()]

/** Parses the `token-files` annotation. Reports every problem; undefined when there was one. */
export function parseTokenFilesAnnotation(
  text: string,
  where: string,
  report: Report,
): readonly PlannedTokenFile[] | undefined {
  const problems: Problem[] = []
  const collect: Report = (problem) => problems.push(problem)
  const allowed = 'a YAML list of token files, such as "- {name: partner, audience: [https://api.partner.example]}"'
  const planned = readList(text, where, collect, allowed)?.flatMap((entry, index) => {
    const file = planTokenFile(entry, index, `${where}[${index}]`, collect)
    return file ? [file] : []
  })
  if (planned !== undefined && problems.length === 0) {
    const files = planned.map(({ file }) => file)
    rejectSharedFiles(files, where, collect)
    const size = Buffer.byteLength(formatTokenFiles(files))
    if (size > LARGEST) collect({ where, value: `${size} bytes of JSON`, allowed: `at most ${LARGEST} bytes` })
  }
  problems.forEach(report)
  return problems.length === 0 ? planned : undefined
}

function planTokenFile(entry: unknown, number: number, where: string, report: Report): PlannedTokenFile | undefined {
  if (!isRecord(entry)) {
    report({ where, value: show(entry), allowed: `a mapping with ${KEYS.join(', ')}` })
    return undefined
  }
  rejectUnknown(entry, KEYS, where, report)
  // Routes have the numbers alone.
  const index = `f${number}`
  const mounted: MountedVolume[] = []
  const mount: Mount = (object) => {
    const planned = mountedVolume(object, index)
    mounted.push(planned)
    return planned.mount.mountPath
  }
  const file = buildTokenFile(
    {
      ...Object.fromEntries([...WRITTEN_KEYS].map(([field, key]) => [field, entry[key]])),
      ...(entry['source'] === 'kubernetes' && { subjectTokenFile: subjectTokenFile(index) }),
    },
    (field) => `${where}.${WRITTEN_KEYS.get(field) ?? field}`,
    report,
    (field) => (value, place, complain) => {
      const written = field === 'name' || field === 'sdk' ? undefined : ROUTE_FIELDS[field].written
      return (written?.parse ?? tokenFileParser(field))(value, place, complain, mount)
    },
  )
  if (file?.source === 'kubernetes') mounted.push(subjectVolume(file, index))
  return file && { file, mounted }
}
