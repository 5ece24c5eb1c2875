import { VARIABLES } from '../contract.ts'
import { SettingsError, errorCode } from '../runtime/index.ts'
import type { Logger } from '../runtime/index.ts'

/** A Secret that changes reaches the file within a minute or so; there is no sense in looking more often. */
export const CREDENTIALS_POLL_MS = 10_000

/** Reads a secret. @throws (as rejection) with Node's code. */
type ReadFile = (path: string) => Promise<string>

export interface EgressCredentials {
  /** Of the file; undefined where the proxy wants none. */
  readonly path: string | undefined
  /** The last good `user:password`; undefined where the proxy wants none. */
  current: string | undefined
}

/**
 * Reads the credentials for the egress proxy.
 * @throws SettingsError (as rejection) naming the file when it cannot be used.
 */
export async function openEgressCredentials(path: string | undefined, readFile: ReadFile): Promise<EgressCredentials> {
  if (path === undefined) return { path, current: undefined }
  try {
    return { path, current: await readCredentials(path, readFile) }
  } catch (error) {
    const allowed = `a file with one line user:password (${problemOf(error)})`
    throw new SettingsError([{ where: VARIABLES.egressCredentialsFile, value: path, allowed }])
  }
}

interface FollowDeps {
  readonly readFile: ReadFile
  readonly pollMs: number
  readonly log: Logger
}

/**
 * Reads the credentials again and again. The last good ones stay: they may still be right, and when they are not, the proxy says 407.
 * What cannot replace them is logged once.
 * @param followed is kept current.
 * @returns what ends it.
 */
export function followEgressCredentials(
  followed: EgressCredentials,
  { readFile, pollMs, log }: FollowDeps,
): () => void {
  const { path } = followed
  if (path === undefined) return () => undefined
  let isReading = false
  let known: string | undefined
  const poll = async (): Promise<void> => {
    if (isReading) return
    isReading = true
    let problem: string | undefined
    try {
      followed.current = await readCredentials(path, readFile)
    } catch (error) {
      problem = problemOf(error)
    }
    if (problem !== undefined && problem !== known)
      log.warn('egress credentials not replaced; the ones before stay in use', { file: path, problem })
    known = problem
    isReading = false
  }
  const timer = setInterval(() => void poll(), pollMs)
  return () => clearInterval(timer)
}

/**
 * RFC 7617 §2: the user name has no colon, and neither part has control characters. What is not UTF-8 was read as U+FFFD, and would be sent
 * as that.
 */
async function readCredentials(path: string, readFile: ReadFile): Promise<string> {
  const line = (await readFile(path)).replace(/\r?\n$/, '')
  if (!/^[^:\p{Cc}\ufeff\ufffd]+:[^\p{Cc}\ufeff\ufffd]*$/u.test(line))
    throw new TypeError('it has no such line in UTF-8')
  return line
}

/** SECURITY: never what is in the file. */
function problemOf(error: unknown): string {
  return errorCode(error) ?? (error instanceof TypeError ? error.message : 'unreadable')
}
