// The emulator as a process of its own: `npm run emulator`, or in a cluster.
import { EXIT } from '../../../proxy/src/contract.ts'
import { SettingsError, createLogger, readSettings, superviseProcess } from '../../../proxy/src/runtime/index.ts'
import { createEmulator } from './emulator.ts'
import { thisCluster } from './kubernetes.ts'
import { SETTINGS } from './settings.ts'

async function main(): Promise<void> {
  const settings = readSettings(SETTINGS, process.env)
  const { listenAddr, baseUrl, region, accountId, roleArns, sessionSeconds, clusterIssuer } = settings
  const log = createLogger({ level: 'info', format: 'json', stream: process.stdout })
  const emulator = await createEmulator({
    ...listenAddr,
    ...(baseUrl !== undefined && { baseUrl }),
    region,
    accountId,
    sessionSeconds,
    roles: roleArns.map((arn) => ({ arn })),
    clusters: clusterIssuer === '' ? [] : [thisCluster(clusterIssuer)],
  })
  superviseProcess({ process, log, drain: () => emulator.close(), shutdownTimeoutMs: 5_000 })
  log.info('listening', { sts: emulator.stsUrl, issuer: emulator.issuer, region, accountId })
}

try {
  await main()
} catch (error) {
  if (!(error instanceof SettingsError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = EXIT.settings
}
