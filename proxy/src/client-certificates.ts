import type { ProxyConfig } from './config.ts'
import { SETTINGS } from './config.ts'
import type { Problem, Route } from './contract.ts'
import { TLS_FILES } from './contract.ts'
import type { ProxyMetrics } from './metrics.ts'
import type { FollowDeps, FollowedKeyPair, KeyPairFiles, Metrics } from './runtime/index.ts'
import { SettingsError, followKeyPair, openKeyPair } from './runtime/index.ts'

/** Those that routes name, by directory. */
type FollowedCertificates = ReadonlyMap<string, FollowedKeyPair>

/**
 * Reads the client certificates that routes name: a pod whose certificate cannot be used should not start.
 * @throws SettingsError naming every file that cannot be used.
 */
export function readClientCertificates(
  { routes }: Pick<ProxyConfig, 'routes'>,
  read: (path: string) => string,
): FollowedCertificates {
  const problems: Problem[] = []
  const found = new Map<string, FollowedKeyPair>()
  const seen = new Set<string>()
  routes.forEach(({ clientCertificateDir: directory }, index) => {
    if (directory === undefined || seen.has(directory)) return
    seen.add(directory)
    const where = `${SETTINGS.routes.variable}[${index}].clientCertificateDir`
    try {
      found.set(directory, openKeyPair(filesIn(directory, where), read))
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error
      problems.push(...error.problems)
    }
  })
  if (problems.length > 0) throw new SettingsError(problems)
  return found
}

const filesIn = (directory: string, where: string): KeyPairFiles => ({
  cert: { where, path: `${directory}/${TLS_FILES.cert}` },
  key: { where, path: `${directory}/${TLS_FILES.key}` },
})

interface FollowCertificatesDeps extends Omit<FollowDeps, 'install'> {
  readonly routes: readonly Route[]
  /** Another certificate has taken the place of the one in this directory. */
  readonly renew: (directory: string) => void
  readonly instruments: Pick<Metrics<ProxyMetrics>['instruments'], 'clientCertificateExpiry'>
}

/**
 * Keeps them current, and their metric.
 * @returns what ends it.
 */
export function followClientCertificates(
  certificates: FollowedCertificates,
  { routes, renew, instruments, ...deps }: FollowCertificatesDeps,
): () => void {
  const stops = [...certificates].map(([directory, followed]) => {
    const tell = (): void => {
      for (const { clientCertificateDir, name } of routes)
        if (clientCertificateDir === directory)
          instruments.clientCertificateExpiry.with({ route: name }).set(followed.pair.notAfter / 1000)
    }
    const install = (): void => {
      tell()
      renew(directory)
    }
    tell()
    return followKeyPair(followed, { ...deps, install })
  })
  return () => {
    for (const stop of stops) stop()
  }
}
