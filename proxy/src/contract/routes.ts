import { readHostPattern } from './host-pattern.ts'
import type { FieldParser } from './fields.ts'
import { isRecord, rejectUnknown, show, withoutSecrets } from './fields.ts'
import { parseList } from './json.ts'
import type { Problem, Report } from './problem.ts'
import type { Route, RouteFieldName } from './route-fields.ts'
import { ROUTE_DEFAULTS, ROUTE_FIELDS, ROUTE_FIELD_NAMES } from './route-fields.ts'
import { completeToken, defaultHeader, tokenDefaults } from './token-rules.ts'

/** Where a field came from, for its problems: `ROUTES[0].hosts` or `outbound-jwt.io/hosts`. */
export type Where = (field: RouteFieldName) => string

/**
 * Builds one route from raw field values; absent fields get their defaults.
 * @param parserOf for values in another form than that of ROUTES.
 * @returns undefined when anything was reported.
 */
export function buildRoute(
  values: Values,
  where: Where,
  report: Report,
  parserOf: (field: RouteFieldName) => FieldParser<unknown> = (field) => ROUTE_FIELDS[field].parse,
): Route | undefined {
  const problems: Problem[] = []
  const parsed: Mutable = { ...ROUTE_DEFAULTS }
  for (const name of ROUTE_FIELD_NAMES) {
    if (values[name] === undefined) continue
    const value = parserOf(name)(values[name], where(name), (problem) => problems.push(problem))
    Object.assign(parsed, { [name]: value })
  }
  if (values.hosts === undefined)
    problems.push({ where: where('hosts'), value: '', allowed: 'at least one partner host' })
  completeToken(
    parsed,
    (field) => values[field] !== undefined,
    where,
    (problem) => problems.push(problem),
  )
  if (values.header === undefined) parsed.header = defaultHeader(parsed.exchange)
  problems.forEach(report)
  if (problems.length > 0 || parsed.hosts === undefined) return undefined
  parsed.name ??= parsed.hosts[0]
  return Object.freeze(parsed) as Route
}

type Mutable = { -readonly [Name in RouteFieldName]?: Route[Name] | undefined }
type Values = Readonly<Partial<Record<RouteFieldName, unknown>>>

/** Parses the ROUTES variable: a JSON array of routes. Reports every problem; the result is empty when there was one. */
export function parseRoutes(json: string, variable: string, report: Report): readonly Route[] {
  const entries = parseList(json, 'a JSON array of routes')
  if (!entries.ok) {
    report({ where: variable, value: withoutSecrets(json), allowed: entries.allowed })
    return []
  }
  const routes = entries.value.map((entry, index) => {
    const prefix = `${variable}[${index}]`
    if (!isRecord(entry)) {
      report({ where: prefix, value: show(entry), allowed: 'a JSON object' })
      return undefined
    }
    rejectUnknown(entry, ROUTE_FIELD_NAMES, prefix, report)
    return buildRoute(entry, (name) => `${prefix}.${name}`, report)
  })
  if (routes.includes(undefined)) return []
  const complete = routes.filter((route) => route !== undefined)
  rejectSharedHosts(complete, (index) => `${variable}[${index}].hosts`, report)
  return complete
}

/** A host belongs to one route and has one port; anything else would make the token depend on the order of the list. */
export function rejectSharedHosts(routes: readonly Route[], where: (index: number) => string, report: Report): void {
  const owners = new Set<string>()
  routes.forEach((route, index) => {
    for (const text of route.hosts) {
      const { host, wildcard } = readHostPattern(text)
      const key = `${wildcard ? '*.' : ''}${host}`
      if (owners.has(key))
        report({ where: where(index), value: text, allowed: 'each host once, with one port, in one route' })
      owners.add(key)
    }
  })
}

/** @returns the ROUTES value: defaults left out, so that a pod spec shows what its author chose. Same input, same bytes. */
export function formatRoutes(routes: readonly Route[]): string {
  return JSON.stringify(
    routes.map((route) => {
      const defaults: Readonly<Record<string, unknown>> = {
        ...ROUTE_DEFAULTS,
        ...tokenDefaults(route),
        header: defaultHeader(route.exchange),
        name: route.hosts[0],
      }
      return Object.fromEntries(
        ROUTE_FIELD_NAMES.map((name) => [name, route[name]] as const).filter(
          ([name, value]) => value !== undefined && JSON.stringify(value) !== JSON.stringify(defaults[name]),
        ),
      )
    }),
  )
}
