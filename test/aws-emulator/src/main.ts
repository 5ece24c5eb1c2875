// The emulator as a process of its own: `npm run emulator`, or in a cluster.
import { EXIT } from '../../../proxy/src/contract.ts'
import { SettingsError, createLogger, readSettings, superviseProcess } from '../../../proxy/src/runtime/index.ts'
import { createEmulator } from './emulator.ts'
import { clusterFrom } from './clusters/jwks-source.ts'
import { SETTINGS } from './settings.ts'

async function main(): Promise<void> {
  const settings = readSettings(SETTINGS, process.env)
  const { listenAddr, baseUrl, region, accountId, roleArns, sessionSeconds, clusterJwks, clusterIssuer } = settings
  const log = createLogger({ level: 'info', format: 'json', stream: process.stdout })
  const emulator = await createEmulator({
    ...listenAddr,
    ...(baseUrl !== undefined && { baseUrl }),
    region,
    accountId,
    state: { sessionSeconds },
    roles: roleArns.map((arn) => ({ arn })),
    clusters: clusterJwks === '' ? [] : [await clusterFrom(clusterJwks, clusterIssuer)],
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
