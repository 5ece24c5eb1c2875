import { ADMIN_PORT, PROXY_CONTAINER, VARIABLES, VERSION, printable } from '@aws-outbound-jwt-injector/proxy/contract'
import { METRICS } from '@aws-outbound-jwt-injector/proxy/reference'
import { PREFIX, STATUS } from '../../injection/annotations/raw-annotations.ts'
import { isObject, listAt, objectAt, objectsAt, textAt } from '../../injection/pod/json.ts'
import type { JsonObject } from '../../injection/pod/json.ts'
import { nameOf } from './answer.ts'
import type { Sample } from './samples.ts'
import { samplesOf } from './samples.ts'

/** A pod with a sidecar of ours, as its object says. */
export interface Sidecar {
  readonly namespace: string
  readonly pod: string
  readonly ready: boolean
  /** Of the webhook that injected it; undefined when its status cannot be read. */
  readonly version: string | undefined
  readonly partners: readonly { readonly hosts: readonly string[]; readonly https: string }[]
  /** Where its metrics are. */
  readonly adminPort: number
}

/** Of pods that are over; nothing answers there. */
const ENDED = ['Succeeded', 'Failed']

/** @returns undefined for a pod without a sidecar that we injected, and for one that is over. */
export function sidecarOf(pod: JsonObject): Sidecar | undefined {
  const status = textAt(objectAt(objectAt(pod, 'metadata'), 'annotations'), PREFIX + STATUS)
  const container = objectsAt(objectAt(pod, 'spec'), 'initContainers').find(
    (one) => textAt(one, 'name') === PROXY_CONTAINER,
  )
  if (status === undefined || !container || ENDED.includes(textAt(objectAt(pod, 'status'), 'phase') ?? ''))
    return undefined
  const variable = (name: string): string =>
    textAt(objectsAt(container, 'env').find((one) => textAt(one, 'name') === name) ?? {}, 'value') ?? ''
  const state = objectsAt(objectAt(pod, 'status'), 'initContainerStatuses').find(
    (one) => textAt(one, 'name') === PROXY_CONTAINER,
  )
  const routes = parsed(variable(VARIABLES.routes))
  return {
    namespace: textAt(objectAt(pod, 'metadata'), 'namespace') ?? '',
    pod: nameOf(pod),
    ready: state?.['ready'] === true,
    version: textAt(asObject(parsed(status)), 'version'),
    partners: (Array.isArray(routes) ? (routes as readonly unknown[]) : []).filter(isObject).map((route) => ({
      hosts: (listAt(route, 'hosts') ?? []).filter((host) => typeof host === 'string'),
      https: textAt(route, 'https') ?? 'refuse',
    })),
    adminPort: Number(/:(\d+)$/.exec(variable(VARIABLES.adminListenAddr))?.[1] ?? ADMIN_PORT),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const asObject = (value: unknown): JsonObject => (isObject(value) ? value : {})

/** What a scrape of a sidecar says about its work. */
export interface Work {
  /** Of the oldest token in use; undefined without one. */
  readonly tokenAgeSeconds: number | undefined
  readonly tokenExpiresInSeconds: number | undefined
  readonly requests: number
  readonly failures: number
  /** Why most of them failed: an error code, or a status of the partner. */
  readonly reason: string | undefined
}

/** The requests of a sidecar, by labels. */
const ANSWERED = `${METRICS.serverDuration.name}_count`

/** @param scrape what the sidecar answers. */
export function workOf(scrape: string, nowSeconds: number): Work {
  const samples = samplesOf(scrape, [METRICS.tokenIssued.name, METRICS.tokenExpires.name, ANSWERED])
  const valuesOf = (name: string): readonly number[] =>
    samples.flatMap((sample) => (sample.name === name && sample.value > 0 ? [sample.value] : []))
  const issued = leastOf(valuesOf(METRICS.tokenIssued.name))
  const expires = leastOf(valuesOf(METRICS.tokenExpires.name))
  const answered = samples.filter(({ name }) => name === ANSWERED)
  const failed = answered.filter((sample) => failureOf(sample) !== undefined)
  const reasons = new Map<string, number>()
  for (const sample of failed) {
    const reason = failureOf(sample) ?? ''
    reasons.set(reason, (reasons.get(reason) ?? 0) + sample.value)
  }
  return {
    tokenAgeSeconds: issued === undefined ? undefined : Math.round(nowSeconds - issued),
    tokenExpiresInSeconds: expires === undefined ? undefined : Math.round(expires - nowSeconds),
    requests: sum(answered),
    failures: sum(failed),
    reason: [...reasons].sort(([, a], [, b]) => b - a)[0]?.[0],
  }
}

/** @returns the error code, or a status by which a partner refuses tokens or fails; other statuses are an application's own business. */
function failureOf({ labels }: Sample): string | undefined {
  const { error_type: error = '', http_response_status_code: status = '' } = labels
  if (error !== '') return error
  return /^(?:401|403|5\d\d)$/.test(status) ? status : undefined
}

/** A function has no room for as many arguments as a pod has samples. */
const leastOf = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : values.reduce((least, value) => Math.min(least, value))

const sum = (samples: readonly Sample[]): number => samples.reduce((total, { value }) => total + value, 0)

/** A sidecar, and its work or why that cannot be read. */
export interface Row extends Sidecar {
  readonly work: Work | { readonly problem: string; readonly missingRight: string | undefined }
}

const HEADER = ['NAMESPACE', 'POD', 'READY', 'VERSION', 'PARTNERS', 'HTTPS', 'TOKEN', 'REQUESTS', 'FAILED', 'MOSTLY']
/** More would not fit on a line. */
const SHOWN_HOSTS = 2
/** The longest name of a host. SECURITY: all rows are as wide as the longest, and one pod must not make them megabytes. */
const LONGEST_CELL = 253

/**
 * @returns the sidecars as a table, one line each; what cannot be read is `?`.
 * SECURITY: in printable ASCII: whoever may create pods writes what is in them, and a terminal obeys it.
 */
export function renderRows(rows: readonly Row[]): string {
  const cells = [HEADER, ...rows.map((row) => cellsOf(row).map((cell) => cut(printable(cell), LONGEST_CELL)))]
  const widths = HEADER.map((_, column) => cells.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), 0))
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

/** @returns the beginning of a text that is longer. */
export const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most)}...` : text)

function cellsOf({ namespace, pod, ready, version, partners, work }: Row): readonly string[] {
  const hosts = partners.flatMap((partner) => partner.hosts)
  const more = hosts.length > SHOWN_HOSTS ? ` +${hosts.length - SHOWN_HOSTS}` : ''
  return [
    namespace,
    pod,
    ready ? 'yes' : 'no',
    version === VERSION ? version : `${version ?? '?'} (not ${VERSION})`,
    hosts.slice(0, SHOWN_HOSTS).join(',') + more,
    [...new Set(partners.map(({ https }) => https))].join(','),
    ...('problem' in work
      ? ['?', '?', '?', '']
      : [tokenOf(work), String(work.requests), String(work.failures), work.reason ?? '']),
  ]
}

const tokenOf = ({ tokenAgeSeconds, tokenExpiresInSeconds }: Work): string =>
  tokenAgeSeconds === undefined || tokenExpiresInSeconds === undefined
    ? 'none yet'
    : `${span(tokenAgeSeconds)} old, ${tokenExpiresInSeconds > 0 ? `${span(tokenExpiresInSeconds)} left` : 'expired'}`

const span = (seconds: number): string => (seconds < 120 ? `${seconds}s` : `${Math.round(seconds / 60)}m`)
