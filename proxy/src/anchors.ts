import { X509Certificate } from 'node:crypto'
import type { ProxyConfig } from './config.ts'
import type { Problem } from './contract.ts'
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
  const byFile = new Map<string, string>()
  const readAll = (where: string, named: Readonly<Record<string, string | undefined>>): void => {
    for (const [field, path] of Object.entries(named))
      if (path !== undefined) byFile.set(path, read(`${where}.${field}`, path))
  }
  config.routes.forEach(({ caFile, exchange }, index) =>
    readAll(`${SETTINGS.routes.variable}[${index}]`, { caFile, 'exchange.caFile': exchange?.caFile }),
  )
  config.tokenFiles.forEach(({ exchange }, index) =>
    readAll(`${SETTINGS.tokenFiles.variable}[${index}]`, { 'exchange.caFile': exchange?.caFile }),
  )
  if (problems.length > 0) throw new SettingsError(problems)
  return { common, byFile }
}
