import type { Mount, Problem, Report, Route, RouteFieldName } from '@aws-outbound-jwt-injector/proxy/contract'
import {
  ROUTE_FIELDS,
  ROUTE_FIELD_NAMES,
  buildRoute,
  formatRoutes,
  isRecord,
  rejectUnknown,
  show,
} from '@aws-outbound-jwt-injector/proxy/contract'
import type { MountedVolume } from './mounted-volume.ts'
import { mountedVolume } from './mounted-volume.ts'
import { parseYaml } from './yaml.ts'

/** A route, and the volumes behind the files that it names. */
export interface PlannedRoute {
  readonly route: Route
  readonly mounted: readonly MountedVolume[]
  /** Whether the author chose `https`; else the operator's default counts. */
  readonly hasHttps: boolean
}

/** One environment variable holds 128 KiB (MAX_ARG_STRLEN) and `$` is doubled in it. */
const LARGEST = 64 * 1024

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
  const entries = readList(text, where, report)
  if (entries === undefined) return undefined
  const planned = entries.map((entry, index) => planRoute(entry, index, { where: `${where}[${index}]`, report }))
  const complete = planned.filter((route) => route !== undefined)
  if (complete.length < planned.length) return undefined
  const size = Buffer.byteLength(formatRoutes(complete.map(({ route }) => route)))
  if (size <= LARGEST) return complete
  report({ where, value: `${size} bytes of JSON`, allowed: `at most ${LARGEST} bytes` })
  return undefined
}

function readList(text: string, where: string, report: Report): readonly unknown[] | undefined {
  if (Buffer.byteLength(text) > LARGEST) {
    report({ where, value: text, allowed: `at most ${LARGEST} bytes` })
    return undefined
  }
  const parsed = parseYaml(text)
  if (!parsed.ok) report({ where, value: text, allowed: parsed.allowed })
  else if (!Array.isArray(parsed.value) || parsed.value.length === 0)
    report({ where, value: text, allowed: 'a YAML list of routes, such as "- hosts: [api.partner.example]"' })
  else return parsed.value as readonly unknown[]
  return undefined
}

interface Place {
  readonly where: string
  readonly report: Report
}

function planRoute(entry: unknown, index: number, { where, report }: Place): PlannedRoute | undefined {
  if (!isRecord(entry)) {
    report({ where, value: show(entry), allowed: `a mapping with ${KEYS.join(', ')}` })
    return undefined
  }
  const problems: Problem[] = []
  const collect: Report = (problem) => problems.push(problem)
  rejectUnknown(entry, KEYS, where, collect)
  const mounted: MountedVolume[] = []
  const mount: Mount = (object) => {
    const planned = mountedVolume(object, index)
    mounted.push(planned)
    return planned.mount.mountPath
  }
  const route = buildRoute(
    Object.fromEntries([...WRITTEN_KEYS].map(([field, key]) => [field, entry[key]])),
    (field) => `${where}.${WRITTEN_KEYS.get(field) ?? field}`,
    collect,
    (field) => (value, place, complain) => {
      const { parse, written } = ROUTE_FIELDS[field]
      return (written?.parse ?? parse)(value, place, complain, mount)
    },
  )
  problems.forEach(report)
  return route === undefined || problems.length > 0
    ? undefined
    : { route, mounted, hasHttps: entry['https'] !== undefined }
}
