import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually } from './eventually.ts'
import { kubectl } from './kubectl.ts'
import { CHART, PRODUCT, SYSTEM, WORLD } from './names.ts'

const LIMIT_MS = 180_000
const execute = promisify(execFile)

/** Values of every installation here: the images that were built for the tests, and AWS's stand-in. */
const VALUES: Readonly<Record<string, unknown>> = {
  image: { tag: 'e2e' },
  sidecar: {
    image: { tag: 'e2e' },
    extraEnv: { AWS_ENDPOINT_URL_STS: `http://aws-emulator.${WORLD}.svc.cluster.local` },
  },
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

/** Environment: the chart of the release before, as `helm upgrade` takes it; it is installed with its own images. */
const PREVIOUS_CHART = 'PREVIOUS_CHART'
const OLDER_VERSION = '0.0.1'

/** Installs the release before; until one is named, this chart packaged under an older version, with the images of the tests. */
export async function installPreviousChart(): Promise<void> {
  const released = process.env[PREVIOUS_CHART]
  if (released) {
    const { extraEnv } = VALUES['sidecar'] as { extraEnv: object }
    await installChart({ image: {}, sidecar: { extraEnv } }, released)
    return
  }
  const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-chart-'))
  await helm('package', CHART, '--version', OLDER_VERSION, '--app-version', OLDER_VERSION, '-d', directory)
  await installChart({}, join(directory, `${PRODUCT}-${OLDER_VERSION}.tgz`))
  rmSync(directory, { recursive: true })
}

/** @returns version of the installed chart. */
export async function installedVersion(): Promise<string> {
  const [release] = JSON.parse(await helm('list', '-n', SYSTEM, '--filter', PRODUCT, '-o', 'json')) as [
    { chart: string },
  ]
  return release.chart.slice(`${PRODUCT}-`.length)
}

/** Installs or upgrades the chart, with values of a test's own, and waits until the webhook serves, and none of before does. */
export async function installChart(
  values: Readonly<Record<string, unknown>> = {},
  chart = CHART,
  options: readonly string[] = [],
): Promise<void> {
  const sets = Object.entries({ ...VALUES, ...values }).flatMap(([name, value]) => [
    '--set-json',
    `${name}=${JSON.stringify(value)}`,
  ])
  await helm('upgrade', '--install', PRODUCT, chart, '-n', SYSTEM, ...sets, '--wait', '--timeout', '120s', ...options)
  // A replica that drains still answers, by the values of before.
  await eventually(
    'every replica is of this installation',
    async () => {
      const ends = '{range .items[*]}{.metadata.deletionTimestamp}{end}'
      const selected = ['pods', '-n', SYSTEM, '-l', `app.kubernetes.io/name=${PRODUCT}`]
      return (await kubectl('get', ...selected, '-o', `jsonpath=${ends}`)) === ''
    },
    LIMIT_MS,
  )
}

/** Removes the chart; without one it does nothing. */
export async function removeChart(): Promise<void> {
  await helm('uninstall', PRODUCT, '-n', SYSTEM, '--ignore-not-found', '--wait', '--timeout', '60s')
}

/** @returns what is left of the chart in the cluster, as kubectl names it. */
export async function leftovers(): Promise<readonly string[]> {
  const kinds = [
    'mutatingwebhookconfigurations',
    'validatingwebhookconfigurations',
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
