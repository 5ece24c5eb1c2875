import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { kubectl } from './kubectl.ts'
import { CHART, PRODUCT, SYSTEM, WORLD } from './names.ts'

const LIMIT_MS = 180_000
const execute = promisify(execFile)

/** Values of every installation here: the images that were built for the tests, and AWS's stand-in. */
const VALUES: Readonly<Record<string, unknown>> = {
  image: { tag: 'e2e' },
  sidecar: { image: { tag: 'e2e' }, extraEnv: { AWS_ENDPOINT_URL_STS: `http://aws-emulator.${WORLD}` } },
  certificate: { publicationDelay: '5s' },
  namespaceOptIn: {
    enabled: true,
    defaults: {
      region: 'eu-central-1',
      'role-arn': 'arn:aws:iam::123456789012:role/orders',
      routes:
        '- {hosts: [api.partner.example], audience: [https://api.partner.example], ca: {configMap: authority, key: ca.crt}}',
    },
  },
}

/** Installs or upgrades the chart, with values of a test's own, and waits until the webhook serves. */
export async function installChart(values: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const sets = Object.entries({ ...VALUES, ...values }).flatMap(([name, value]) => [
    '--set-json',
    `${name}=${JSON.stringify(value)}`,
  ])
  await helm('upgrade', '--install', PRODUCT, CHART, '-n', SYSTEM, ...sets, '--wait', '--timeout', '120s')
}

/** Removes the chart; without one it does nothing. */
export async function removeChart(): Promise<void> {
  await helm('uninstall', PRODUCT, '-n', SYSTEM, '--ignore-not-found', '--wait', '--timeout', '60s')
}

/** @returns what is left of the chart in the cluster, as kubectl names it. */
export async function leftovers(): Promise<readonly string[]> {
  const kinds = [
    'mutatingwebhookconfigurations',
    'validatingadmissionpolicies',
    'validatingadmissionpolicybindings',
    'clusterroles',
    'clusterrolebindings',
  ]
  const found = await kubectl('get', kinds.join(','), '-l', `app.kubernetes.io/instance=${PRODUCT}`, '-o', 'name')
  return found.split('\n').filter(Boolean)
}

export async function helm(...args: readonly string[]): Promise<string> {
  const { stdout } = await execute('helm', [...args], { timeout: LIMIT_MS })
  return stdout
}
