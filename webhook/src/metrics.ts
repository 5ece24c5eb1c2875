import type { MetricsTable } from '@aws-outbound-jwt-injector/proxy/runtime'

/** Every metric of the webhook. Labels are bounded: reasons are a closed set. */
export const METRICS = {
  buildInfo: {
    type: 'gauge',
    name: 'outbound_jwt_webhook_build_info',
    help: '1, with the version that runs.',
    labels: ['version'],
  },
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
  inFlight: {
    type: 'gauge',
    name: 'outbound_jwt_admission_in_flight',
    help: 'Admission requests whose answer is not complete.',
    labels: [],
  },
  policyRules: {
    type: 'gauge',
    name: 'outbound_jwt_policy_rules',
    help: 'Rules of the policy in force. With a policy only.',
    labels: [],
  },
  policyCurrent: {
    type: 'gauge',
    name: 'outbound_jwt_policy_current',
    help: 'Whether the policy in force is what its file says: 1, or 0 while the file cannot be used and the last good policy stays. With a policy only.',
    labels: [],
  },
  certificateExpiry: {
    type: 'gauge',
    name: 'outbound_jwt_certificate_expiry_seconds',
    help: 'Seconds until the served certificate expires; 0 while there is none. Alert below a week.',
    labels: [],
  },
  certificateTrusted: {
    type: 'gauge',
    name: 'outbound_jwt_certificate_trusted',
    help: 'Whether caBundle of every entry holds the served certificate: 1 or 0. In mode self only.',
    labels: [],
  },
  certificateChanges: {
    type: 'counter',
    name: 'outbound_jwt_certificate_changes_total',
    help: 'A certificate was made (minted), caBundle was written (published), or another certificate was taken into use (served).',
    labels: ['change'],
  },
  certificateProblems: {
    type: 'counter',
    name: 'outbound_jwt_certificate_problems_total',
    help: 'Attempts to have a trusted certificate that met a problem, by its code.',
    labels: ['problem'],
  },
  watchConnected: {
    type: 'gauge',
    name: 'outbound_jwt_watch_connected',
    help: 'Whether the watch on the MutatingWebhookConfiguration is established: 1 or 0. Without it, drift is found within half a minute. In mode self only.',
    labels: [],
  },
} as const satisfies MetricsTable

export type WebhookMetrics = typeof METRICS
