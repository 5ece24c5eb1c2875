import { X509Certificate } from 'node:crypto'
import type { ProxyConfig } from './config.ts'
import type { Problem, Route } from './contract.ts'
import { SETTINGS } from './config.ts'
import type { TrustAnchors } from './http/outbound/upstreams.ts'
import { SettingsError, errorCode } from './runtime/index.ts'

/**
 * Reads the files with trust anchors that the configuration names, once: a pod whose file is wrong should not start.
 * @throws SettingsError naming every file that cannot be used.
 */
export function readTrustAnchors(config: ProxyConfig, readFile: (path: string) => string): TrustAnchors {
  const problems: Problem[] = []
  const read = (where: string, path: string): string => {
    try {
      const pem = readFile(path)
      // Node silently ignores a file without a certificate, and then trusts nobody.
      new X509Certificate(pem)
      return pem
    } catch (error) {
      problems.push({
        where,
        value: path,
        allowed: `a PEM file with at least one certificate (${errorCode(error) ?? 'unreadable'})`,
      })
      return ''
    }
  }
  const common =
    config.upstreamCaFile === undefined ? undefined : read(SETTINGS.upstreamCaFile.variable, config.upstreamCaFile)
  const byRoute = new Map<Route, string>()
  config.routes.forEach((route, index) => {
    if (route.caFile !== undefined)
      byRoute.set(route, read(`${SETTINGS.routes.variable}[${index}].caFile`, route.caFile))
  })
  if (problems.length > 0) throw new SettingsError(problems)
  return { common, byRoute }
}
