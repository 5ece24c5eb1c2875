import type { Report, Route } from '@aws-outbound-jwt-injector/proxy/contract'
import { ROUTE_FIELDS, buildRoute, hostText, rejectSharedHosts, show } from '@aws-outbound-jwt-injector/proxy/contract'
import type { AnnotationValues } from './annotations.ts'
import { PARTNER_ANNOTATIONS } from './annotations.ts'
import type { RawAnnotations } from './raw-annotations.ts'
import { PREFIX } from './raw-annotations.ts'
import type { PlannedRoute } from './routes-yaml.ts'

/**
 * Makes the one list of routes out of whichever form the author chose; empty when there is none or a problem.
 * @param https for routes that do not say it.
 */
export function planRoutes(
  values: AnnotationValues,
  annotations: RawAnnotations,
  https: Route['https'],
  report: Report,
): readonly PlannedRoute[] {
  return readRoutes(values, annotations, report).map((planned) =>
    planned.hasHttps ? planned : { ...planned, route: Object.freeze({ ...planned.route, https }) },
  )
}

function readRoutes(values: AnnotationValues, annotations: RawAnnotations, report: Report): readonly PlannedRoute[] {
  if (annotations.has('routes')) {
    for (const name of PARTNER_ANNOTATIONS.filter((other) => annotations.has(other)))
      report({
        where: PREFIX + name,
        value: show(annotations.get(name)),
        allowed: `no ${PREFIX}${name} together with ${PREFIX}routes`,
      })
    return withoutSharedHosts(values.routes ?? [], (index) => `${PREFIX}routes[${index}].hosts`, report)
  }
  if (annotations.has('hosts')) {
    const route = values.hosts && flatRoute(values, values.hosts, values.audience, report)
    return withoutSharedHosts(route ? [route] : [], () => `${PREFIX}hosts`, report)
  }
  return routesOfAudiences(values, report)
}

/** Without hosts, every audience that is an https URL is a partner, and gets a token for itself only. */
function routesOfAudiences(values: AnnotationValues, report: Report): readonly PlannedRoute[] {
  const routes: PlannedRoute[] = []
  values.audience?.forEach((audience, index) => {
    const host = hostText(/^https:\/\/([^/?#]+)/.exec(audience)?.[1] ?? '')
    const route = host.ok ? flatRoute(values, [host.value], [audience], report) : undefined
    if (route) routes.push(route)
    else
      report({
        where: `${PREFIX}audience[${index}]`,
        value: audience,
        allowed: `an https URL with a DNS name, because ${PREFIX}hosts is not set`,
      })
  })
  return withoutSharedHosts(routes, (index) => `${PREFIX}audience[${index}]`, report)
}

function flatRoute(
  values: AnnotationValues,
  hosts: readonly string[],
  audience: readonly string[] | undefined,
  report: Report,
): PlannedRoute | undefined {
  const parsed = new Map<string, unknown>(Object.entries({ ...values, hosts, audience }))
  const fields = Object.fromEntries(
    Object.entries(ROUTE_FIELDS).map(([field, { annotation }]) => [field, annotation && parsed.get(annotation.name)]),
  )
  const route = buildRoute(fields, (field) => PREFIX + field, report)
  return route && { route, mounted: [], hasHttps: values.https !== undefined }
}

function withoutSharedHosts(
  planned: readonly PlannedRoute[],
  where: (index: number) => string,
  report: Report,
): readonly PlannedRoute[] {
  rejectSharedHosts(
    planned.map(({ route }) => route),
    where,
    report,
  )
  return planned
}

/** @returns where an author says something of a route, whichever form was chosen: `outbound-jwt.io/routes[0].hosts`. */
export const placeOfRoute =
  (annotations: RawAnnotations) =>
  (index: number, field: string): string => {
    if (field !== 'role-arn' && annotations.has('routes')) return `${PREFIX}routes[${index}].${field}`
    const isByAudience = field === 'hosts' && !annotations.has('hosts')
    return PREFIX + (isByAudience ? `audience[${index}]` : field)
  }
