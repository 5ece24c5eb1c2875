import type { Problem, Report, Route } from '@aws-outbound-jwt-injector/proxy/contract'
import {
  DURATION_BOUNDS,
  TIMEOUT_BOUNDS,
  buildRoute,
  duration,
  formatRoutes,
  isRecord,
  rejectUnknown,
  show,
  stringField,
} from '@aws-outbound-jwt-injector/proxy/contract'
import type { CaBundle } from './ca.ts'
import { caFile, parseCa } from './ca.ts'
import { WRITTEN_FIELDS } from './written-fields.ts'
import { parseYaml } from './yaml.ts'

/** A route, and where the trust anchors it names come from. */
export interface PlannedRoute {
  readonly route: Route
  readonly ca?: CaBundle
}

/** One environment variable holds 128 KiB (MAX_ARG_STRLEN) and `$` is doubled in it. */
const LARGEST = 64 * 1024

const WRITTEN = Object.keys(WRITTEN_FIELDS)
const AS_WRITTEN = new Map<string, string>(
  Object.entries(WRITTEN_FIELDS).map(([written, { field }]) => [field, written]),
)

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
    report({ where, value: show(entry), allowed: `a mapping with ${WRITTEN.join(', ')}` })
    return undefined
  }
  const problems: Problem[] = []
  const collect: Report = (problem) => problems.push(problem)
  rejectUnknown(entry, WRITTEN, where, collect)
  const ca = entry['ca'] === undefined ? undefined : parseCa(entry['ca'], { index, where: `${where}.ca` }, collect)
  const secondsOf = (key: 'duration' | 'timeout', bounds: Bounds): number | undefined =>
    entry[key] === undefined
      ? undefined
      : parseSeconds(entry[key], bounds, { where: `${where}.${key}`, report: collect })
  const durationSeconds = secondsOf('duration', DURATION_BOUNDS)
  const timeoutSeconds = secondsOf('timeout', TIMEOUT_BOUNDS)
  const route = buildRoute(
    { ...entry, durationSeconds, timeoutSeconds, caFile: ca && caFile(ca) },
    (field) => `${where}.${AS_WRITTEN.get(field) ?? field}`,
    collect,
  )
  problems.forEach(report)
  return route === undefined || problems.length > 0 ? undefined : { route, ...(ca && { ca }) }
}

interface Bounds {
  readonly minimum: number
  readonly maximum: number
}

/** What is written with a unit, or as seconds, which YAML makes a number. */
function parseSeconds(value: unknown, { minimum, maximum }: Bounds, { where, report }: Place): number | undefined {
  const parse = stringField(duration(minimum, maximum))
  return parse(typeof value === 'number' ? String(value) : value, where, report)
}
