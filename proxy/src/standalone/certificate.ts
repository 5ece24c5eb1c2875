import type { ProxyConfig } from '../config.ts'
import { describeProblem } from '../contract.ts'
import type { KeyPair, KeyPairFiles, Logger } from '../runtime/index.ts'
import { pollKeyPair, readKeyPair } from '../runtime/index.ts'
import { STANDALONE_SETTINGS } from './settings.ts'

/** The certificate that the listener speaks TLS with, and its files. */
export interface ListenerCertificate {
  readonly files: KeyPairFiles
  readonly pair: KeyPair
}

/**
 * @returns undefined when the listener is to speak plain HTTP.
 * @throws SettingsError when the files cannot be used.
 */
export function readListenerCertificate(
  { tlsCert, tlsKey }: Pick<ProxyConfig, 'tlsCert' | 'tlsKey'>,
  read: (path: string) => string,
): ListenerCertificate | undefined {
  if (tlsCert === undefined || tlsKey === undefined) return undefined
  const files = {
    cert: { where: STANDALONE_SETTINGS.tlsCert.variable, path: tlsCert },
    key: { where: STANDALONE_SETTINGS.tlsKey.variable, path: tlsKey },
  }
  return { files, pair: readKeyPair(files, read) }
}

/** A kubelet takes a minute to bring a new Secret; nobody waits for these two seconds. */
export const CERTIFICATE_POLL_MS = 2_000

export interface FollowDeps {
  readonly read: (path: string) => string
  /** Takes a pair into use for connections to come. */
  readonly install: (pair: KeyPair) => void
  readonly pollMs: number
  readonly log: Logger
}

/**
 * Follows the files. A pair that cannot be used leaves the last good one in use, and is logged once.
 * @returns what ends it.
 */
export function followCertificate({ files, pair }: ListenerCertificate, deps: FollowDeps): () => void {
  const { read, install, pollMs, log } = deps
  let current = pair
  let problem = ''
  return pollKeyPair(files, {
    read,
    pollMs,
    onPair: (next) => {
      problem = ''
      if (next.cert === current.cert && next.key === current.key) return
      install(next)
      current = next
      log.info('certificate in use', { expires: new Date(next.notAfter).toISOString() })
    },
    onProblem: (error) => {
      const found = error.problems.map(describeProblem).join('; ')
      if (found !== problem) log.warn('certificate not replaced; the one before stays in use', { problem: found })
      problem = found
    },
  })
}
