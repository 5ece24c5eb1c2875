import type { MetricsTable } from '@aws-outbound-jwt-injector/proxy/runtime'

/** Every metric of the webhook. Labels are bounded: reasons are a closed set. */
export const METRICS = {
  decisions: {
    type: 'counter',
    name: 'outbound_jwt_admission_decisions_total',
    help: 'Admission requests by decision and reason.',
    labels: ['decision', 'reason'],
  },
  errors: {
    type: 'counter',
    name: 'outbound_jwt_admission_errors_total',
    help: 'Admission requests that got no decision, by error code.',
    labels: ['code'],
  },
  duration: {
    type: 'histogram',
    name: 'http_server_request_duration_seconds',
    help: 'Duration of admission requests in seconds.',
    labels: ['decision'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
  },
} as const satisfies MetricsTable

export type WebhookMetrics = typeof METRICS
