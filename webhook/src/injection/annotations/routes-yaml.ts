import type { Mount, Problem, Report, Route, RouteFieldName } from '@aws-outbound-jwt-injector/proxy/contract'
import {
  ROUTE_FIELDS,
  ROUTE_FIELD_NAMES,
  buildRoute,
  formatRoutes,
  isRecord,
  rejectUnknown,
  show,
  withoutSecrets,
} from '@aws-outbound-jwt-injector/proxy/contract'
import type { MountedVolume } from './mounted-volume.ts'
import { mountedVolume, subjectTokenFile, subjectVolume } from './mounted-volume.ts'
import { parseYaml } from './yaml.ts'

/** A route, and the volumes behind the files that it names. */
export interface PlannedRoute {
  readonly route: Route
  readonly mounted: readonly MountedVolume[]
  /** Whether the author chose `https`; else the operator's default counts. */
  readonly hasHttps: boolean
}

/** One environment variable holds 128 KiB (MAX_ARG_STRLEN) and `$` is doubled in it. */
export const LARGEST = 64 * 1024

/** Field → key as authors write it. */
const WRITTEN_KEYS: ReadonlyMap<RouteFieldName, string> = new Map(
  ROUTE_FIELD_NAMES.flatMap((field) => {
    const { written } = ROUTE_FIELDS[field]
    return written === undefined ? [] : [[field, written.key]]
  }),
)
const KEYS = [...WRITTEN_KEYS.values()]

/** Parses the `routes` annotation. Reports every problem; undefined when there was one. */
export function parseRoutesAnnotation(
  text: string,
  where: string,
  report: Report,
): readonly PlannedRoute[] | undefined {
  const entries = readList(text, where, report, 'a YAML list of routes, such as "- hosts: [api.partner.example]"')
  if (entries === undefined) return undefined
  const planned = entries.map((entry, index) =>
    planRoute(entry, index, entries.length, { where: `${where}[${index}]`, report }),
  )
  const complete = planned.filter((route) => route !== undefined)
  if (complete.length < planned.length) return undefined
  const size = Buffer.byteLength(formatRoutes(complete.map(({ route }) => route)))
  if (size <= LARGEST) return complete
  report({ where, value: `${size} bytes of JSON`, allowed: `at most ${LARGEST} bytes` })
  return undefined
}

/** @param allowed the form of the list, for who wrote something else. @returns the items of a YAML list that has some. */
export function readList(text: string, where: string, report: Report, allowed: string): readonly unknown[] | undefined {
  if (Buffer.byteLength(text) > LARGEST) {
    report({ where, value: withoutSecrets(text), allowed: `at most ${LARGEST} bytes` })
    return undefined
  }
  const parsed = parseYaml(text)
  if (!parsed.ok) report({ where, value: withoutSecrets(text), allowed: parsed.allowed })
  else if (!Array.isArray(parsed.value) || parsed.value.length === 0)
    report({ where, value: withoutSecrets(text), allowed })
  else return parsed.value as readonly unknown[]
  return undefined
}

interface Place {
  readonly where: string
  readonly report: Report
}

/** @param count of all routes: numbers from there on are for what a route names twice. */
function planRoute(entry: unknown, index: number, count: number, { where, report }: Place): PlannedRoute | undefined {
  if (!isRecord(entry)) {
    report({ where, value: show(entry), allowed: `a mapping with ${KEYS.join(', ')}` })
    return undefined
  }
  const problems: Problem[] = []
  const collect: Report = (problem) => problems.push(problem)
  rejectUnknown(entry, KEYS, where, collect)
  const mounted: MountedVolume[] = []
  const mount: Mount = (object) => {
    const first = mountedVolume(object, index)
    // The authority of the hosts, and that of the exchange.
    const isTaken = mounted.some(({ volume }) => volume.name === first.volume.name)
    const planned = isTaken ? mountedVolume(object, count + index) : first
    mounted.push(planned)
    return planned.mount.mountPath
  }
  const route = buildRoute(
    {
      ...Object.fromEntries([...WRITTEN_KEYS].map(([field, key]) => [field, entry[key]])),
      ...(entry['source'] === 'kubernetes' && { subjectTokenFile: subjectTokenFile(index) }),
    },
    (field) => `${where}.${WRITTEN_KEYS.get(field) ?? field}`,
    collect,
    (field) => (value, place, complain) => {
      const { parse, written } = ROUTE_FIELDS[field]
      return (written?.parse ?? parse)(value, place, complain, mount)
    },
  )
  problems.forEach(report)
  if (route === undefined || problems.length > 0) return undefined
  if (route.source === 'kubernetes') mounted.push(subjectVolume(route, index))
  return { route, mounted, hasHttps: entry['https'] !== undefined }
}
