import type { ProxyConfig } from '../config.ts'
import type { FollowedKeyPair } from '../runtime/index.ts'
import { openKeyPair } from '../runtime/index.ts'
import { STANDALONE_SETTINGS } from './settings.ts'

/**
 * Reads the certificate that the listener speaks TLS with.
 * @returns undefined when the listener is to speak plain HTTP.
 * @throws SettingsError when the files cannot be used.
 */
export function readListenerCertificate(
  { tlsCert, tlsKey }: Pick<ProxyConfig, 'tlsCert' | 'tlsKey'>,
  read: (path: string) => string,
): FollowedKeyPair | undefined {
  if (tlsCert === undefined || tlsKey === undefined) return undefined
  const files = {
    cert: { where: STANDALONE_SETTINGS.tlsCert.variable, path: tlsCert },
    key: { where: STANDALONE_SETTINGS.tlsKey.variable, path: tlsKey },
  }
  return openKeyPair(files, read)
}
