import { describeProblem } from '../contract/problem.ts'
import type { KeyPair, KeyPairFiles } from './key-pair.ts'
import { pollKeyPair, readKeyPair } from './key-pair.ts'
import type { Logger } from './logger.ts'

/** A certificate and its key in files that somebody renews. */
export interface KeyPairInUse {
  readonly files: KeyPairFiles
  /** The last good one. */
  readonly pair: KeyPair
  /** What is wrong now with it, or with files that should replace it; one sentence without its end. */
  readonly problem: string | undefined
}

/** The same for whoever follows the files. */
export type FollowedKeyPair = { -readonly [Name in keyof KeyPairInUse]: KeyPairInUse[Name] }

/** @throws SettingsError when the files cannot be used. */
export function openKeyPair(files: KeyPairFiles, read: (path: string) => string): FollowedKeyPair {
  return { files, pair: readKeyPair(files, read), problem: undefined }
}

/** A kubelet takes a minute to bring a new Secret; nobody waits for these two seconds. */
export const KEY_PAIR_POLL_MS = 2_000

export interface FollowDeps {
  readonly read: (path: string) => string
  /** Takes a pair into use for connections to come. */
  readonly install: (pair: KeyPair) => void
  readonly pollMs: number
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly log: Logger
}

/**
 * Follows the files. A pair that cannot be used leaves the last good one in use; that, and one that has expired, is logged once.
 * @param followed is kept current.
 * @returns what ends it.
 */
export function followKeyPair(followed: FollowedKeyPair, deps: FollowDeps): () => void {
  const { files } = followed
  const { read, install, pollMs, now, log } = deps
  const about = { file: files.cert.path }
  const become = (message: string, problem: string | undefined): void => {
    if (problem !== undefined && problem !== followed.problem) log.warn(message, { ...about, problem })
    followed.problem = problem
  }
  const judge = (): void => {
    const expires = new Date(followed.pair.notAfter).toISOString()
    const isExpired = now() >= followed.pair.notAfter
    become('certificate has expired', isExpired ? `${files.cert.path} expired on ${expires}` : undefined)
  }
  judge()
  return pollKeyPair(files, {
    read,
    pollMs,
    onPair: (next) => {
      if (next.cert !== followed.pair.cert || next.key !== followed.pair.key) {
        followed.pair = next
        install(next)
        log.info('certificate in use', { ...about, expires: new Date(next.notAfter).toISOString() })
      }
      judge()
    },
    onProblem: (error) =>
      become(
        'certificate not replaced; the one before stays in use',
        `the certificate before stays in use: ${error.problems.map(describeProblem).join('; ')}`,
      ),
  })
}
