import { join } from 'node:path'
import { CHART } from '../chart/values.ts'
import type { GeneratedDocument } from './documents.ts'

/** Where the chart finds the dashboard. */
export const DASHBOARD = join(CHART, 'files/dashboard.json')

/** Label matchers of the pods that a row is about; empty for all. */
export type Pods = string

interface Query {
  /** PromQL. `$__rate_interval` is Grafana's. */
  readonly expr: (pods: Pods) => string
  /** Grafana's template for the name of a series. */
  readonly legend: string
}

export interface Panel {
  readonly title: string
  readonly description: string
  /** Grafana's name of the unit. */
  readonly unit: string
  /** A number instead of a curve. */
  readonly stat?: true
  readonly queries: readonly Query[]
}

const RATE = '$__rate_interval'
/** Matchers beside those of the pods. */
const matchers = (...all: readonly string[]): string => {
  const some = all.filter((one) => one !== '')
  return some.length === 0 ? '' : `{${some.join(',')}}`
}
const requests = (pods: Pods, more = ''): string =>
  `rate(http_server_request_duration_seconds_count${matchers('route!=""', more, pods)}[${RATE}])`

const WRITTEN = 'outbound_jwt_token_file_written_timestamp_seconds'
/** Seconds since it was written; 0 for a file that never was. */
const fileAge = (which: string): string => `(time() - ${WRITTEN}${which}) * (${WRITTEN}${which} > bool 0)`

/** What sidecars do; in the first row of all, in the second of one pod. */
export const SIDECARS: readonly Panel[] = [
  {
    title: 'Requests by route',
    description: 'Requests of applications. `none` are hosts without a route, which pass as they are.',
    unit: 'reqps',
    queries: [{ expr: (pods) => `sum by (route) (${requests(pods)})`, legend: '{{route}}' }],
  },
  {
    title: 'Errors by code',
    description: 'Answers of the sidecar itself. Every code is in docs/errors.md.',
    unit: 'reqps',
    queries: [
      {
        expr: (pods) => `sum by (error_type) (${requests(pods, 'error_type!=""')})`,
        legend: '{{error_type}}',
      },
    ],
  },
  {
    title: 'Refused by partners',
    description: '401 and 403 of a partner: it does not know the issuer, the subject or the audience.',
    unit: 'reqps',
    queries: [
      {
        expr: (pods) =>
          `sum by (route, http_response_status_code) (rate(http_client_request_duration_seconds_count${matchers('http_response_status_code=~"401|403"', 'route!="none"', pods)}[${RATE}]))`,
        legend: '{{route}} {{http_response_status_code}}',
      },
    ],
  },
  {
    title: 'Time of partners',
    description: 'From handing a request to a connection until the end of the response.',
    unit: 's',
    queries: ['0.5', '0.99'].map((quantile) => ({
      expr: (pods) =>
        `histogram_quantile(${quantile}, sum by (le, route) (rate(http_client_request_duration_seconds_bucket${matchers(pods)}[${RATE}])))`,
      legend: `{{route}} p${quantile.slice(2).padEnd(2, '0')}`,
    })),
  },
  {
    title: 'Age of tokens',
    description: 'Of the oldest token in use. It is replaced at half of its life.',
    unit: 's',
    queries: [
      {
        expr: (pods) => `max by (route) (time() - outbound_jwt_token_issued_timestamp_seconds${matchers(pods)})`,
        legend: '{{route}}',
      },
    ],
  },
  {
    title: 'Token calls',
    description: 'Calls that make tokens, by their result. Every class of failure is in docs/token-failures.md.',
    unit: 'reqps',
    queries: [
      {
        expr: (pods) => `sum by (result) (rate(outbound_jwt_token_fetches_total${matchers(pods)}[${RATE}]))`,
        legend: '{{result}}',
      },
    ],
  },
  {
    title: 'Age of token files',
    description:
      'Of the oldest file. It is written again at half of the life of its token. 0 is a file without a token.',
    unit: 's',
    queries: [
      {
        expr: (pods) => `max by (file) (${fileAge(matchers(pods))})`,
        legend: '{{file}}',
      },
    ],
  },
  {
    title: 'CONNECT by result',
    description: 'How https:// URLs went: intercepted, past without a token, or refused.',
    unit: 'reqps',
    queries: [
      {
        expr: (pods) => `sum by (result) (rate(outbound_jwt_connects_total${matchers(pods)}[${RATE}]))`,
        legend: '{{result}}',
      },
    ],
  },
  {
    title: 'Refused certificates',
    description: 'Applications that do not trust their sidecar. docs/https.md says what is missing.',
    unit: 'short',
    queries: [
      {
        expr: (pods) =>
          `sum by (route, reason) (increase(outbound_jwt_intercept_refused_total${matchers(pods)}[${RATE}]))`,
        legend: '{{route}} {{reason}}',
      },
    ],
  },
  {
    title: 'Client certificates',
    description: 'Until the first one of a route ends. Whoever made its Secret renews it.',
    unit: 's',
    queries: [
      {
        expr: (pods) =>
          `min by (route) (outbound_jwt_client_certificate_expiry_timestamp_seconds${matchers(pods)} - time())`,
        legend: '{{route}}',
      },
    ],
  },
  {
    title: 'CPU of sidecars',
    description: 'Cores; the sum.',
    unit: 'short',
    queries: [
      {
        expr: (pods) =>
          `sum(rate(process_cpu_seconds_total${matchers(pods)}[${RATE}]) and on (instance) outbound_jwt_proxy_build_info)`,
        legend: 'CPU',
      },
    ],
  },
  {
    title: 'Memory of sidecars',
    description: 'Resident memory of the largest.',
    unit: 'bytes',
    queries: [
      {
        expr: (pods) =>
          `max(process_resident_memory_bytes${matchers(pods)} and on (instance) outbound_jwt_proxy_build_info)`,
        legend: 'largest',
      },
    ],
  },
]

/** What the whole cluster has. */
export const FLEET: readonly Panel[] = [
  {
    title: 'Injected pods by version',
    description: 'Sidecars that are scraped. More than one version: pods that are older than the last upgrade.',
    unit: 'short',
    queries: [{ expr: () => 'count by (version) (outbound_jwt_proxy_build_info)', legend: '{{version}}' }],
  },
  {
    title: 'Reviews by decision',
    description: 'What the webhook decided, and why. Every reason is in docs/reasons.md.',
    unit: 'reqps',
    queries: [
      {
        expr: () => `sum by (decision, reason) (rate(outbound_jwt_admission_decisions_total[${RATE}]))`,
        legend: '{{decision}} {{reason}}',
      },
    ],
  },
  {
    title: 'Time of reviews',
    description: 'The API server waits for it when a pod is created.',
    unit: 's',
    queries: [
      {
        expr: () =>
          `histogram_quantile(0.99, sum by (le) (rate(http_server_request_duration_seconds_bucket{decision!=""}[${RATE}])))`,
        legend: 'p99',
      },
    ],
  },
  {
    title: "Webhook's certificate",
    description: 'Until the first one ends. It is renewed long before a week.',
    unit: 's',
    stat: true,
    queries: [{ expr: () => 'min(outbound_jwt_certificate_expiry_seconds)', legend: 'left' }],
  },
]

/** Of one pod, as the variables of the dashboard choose it. */
const ONE_POD: Pods = 'namespace="$namespace",pod="$pod"'

/** Every query, as Grafana sends it but for its variables. */
export const ALL_QUERIES: readonly { readonly title: string; readonly expr: string }[] = [
  ...queriesOf('all pods', [...FLEET, ...SIDECARS], ''),
  ...queriesOf('one pod', SIDECARS, ONE_POD),
]

function queriesOf(row: string, panels: readonly Panel[], pods: Pods): { title: string; expr: string }[] {
  return panels.flatMap(({ title, queries }) =>
    queries.map(({ expr }) => ({ title: `${row}: ${title}`, expr: expr(pods) })),
  )
}

export function documents(): readonly GeneratedDocument[] {
  return [{ path: DASHBOARD, content: `${JSON.stringify(dashboard(), null, 2)}\n` }]
}

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }
/** Grafana's grid is 24 wide; three panels in a row. */
const [WIDTH, HEIGHT, IN_A_ROW] = [8, 7, 3] as const

/** The form that Grafana 10 and later read. Source: its JSON model, schema version 39. */
function dashboard(): object {
  const sections = [
    ...section('All pods', [...FLEET, ...SIDECARS], '', 0),
    ...section('One pod: $namespace/$pod', SIDECARS, ONE_POD, 1000),
  ]
  return {
    uid: 'outbound-jwt',
    title: 'Outbound JWT',
    tags: ['outbound-jwt'],
    schemaVersion: 39,
    editable: false,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' },
        variable('namespace', 'label_values(outbound_jwt_proxy_build_info, namespace)'),
        variable('pod', 'label_values(outbound_jwt_proxy_build_info{namespace="$namespace"}, pod)'),
      ],
    },
    panels: sections.map((panel, index) => ({ id: index + 1, ...panel })),
  }
}

const variable = (name: string, query: string): object => ({
  name,
  type: 'query',
  datasource: DATASOURCE,
  query: { query, refId: name },
  refresh: 2,
  sort: 1,
})

function section(title: string, panels: readonly Panel[], pods: Pods, top: number): object[] {
  return [
    { type: 'row', title, collapsed: false, gridPos: { x: 0, y: top, w: WIDTH * IN_A_ROW, h: 1 }, panels: [] },
    ...panels.map((panel, index) => ({
      type: panel.stat ? 'stat' : 'timeseries',
      title: panel.title,
      description: panel.description,
      datasource: DATASOURCE,
      gridPos: {
        x: (index % IN_A_ROW) * WIDTH,
        y: top + 1 + Math.floor(index / IN_A_ROW) * HEIGHT,
        w: WIDTH,
        h: HEIGHT,
      },
      fieldConfig: { defaults: { unit: panel.unit, min: 0 }, overrides: [] },
      targets: panel.queries.map(({ expr, legend }, number) => ({
        refId: String.fromCharCode(65 + number),
        datasource: DATASOURCE,
        expr: expr(pods),
        legendFormat: legend,
      })),
    })),
  ]
}
