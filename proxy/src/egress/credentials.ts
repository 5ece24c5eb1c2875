import { VARIABLES } from '../contract.ts'
import { SettingsError, errorCode } from '../runtime/index.ts'

/** A Secret that changes reaches the file within a minute or so; there is no sense in looking more often. */
export const CREDENTIALS_POLL_MS = 10_000

interface CredentialsDeps {
  /** Reads a secret. @throws (as rejection) with Node's code. */
  readonly readFile: (path: string) => Promise<string>
  readonly pollMs: number
}

export interface EgressCredentials {
  /** @returns the last good `user:password`; undefined where the proxy wants none. */
  readonly current: () => string | undefined
  readonly stop: () => void
}

/**
 * Reads the credentials for the egress proxy, and again and again; the last good ones stay.
 * @param path of the file; undefined where the proxy wants none.
 * @throws SettingsError (as rejection) naming the file when it cannot be used at start.
 */
export async function followEgressCredentials(
  path: string | undefined,
  { readFile, pollMs }: CredentialsDeps,
): Promise<EgressCredentials> {
  if (path === undefined) return { current: () => undefined, stop: () => undefined }
  const read = async (): Promise<string> => parseCredentials(await readFile(path))
  let current = await read().catch((error: unknown) => {
    // SECURITY: never what is in it.
    const wrong = errorCode(error) ?? (error instanceof TypeError ? error.message : 'unreadable')
    const where = VARIABLES.egressCredentialsFile
    throw new SettingsError([{ where, value: path, allowed: `a file with one line user:password (${wrong})` }])
  })
  let isReading = false
  const poll = async (): Promise<void> => {
    if (isReading) return
    isReading = true
    // The last good ones may still be right; when they are not, the proxy says 407.
    current = await read().catch(() => current)
    isReading = false
  }
  const timer = setInterval(() => void poll(), pollMs)
  return { current: () => current, stop: () => clearInterval(timer) }
}

/** RFC 7617 §2: the user name has no colon, and neither part has control characters. */
function parseCredentials(content: string): string {
  const line = content.replace(/\r?\n$/, '')
  if (!/^[^:\p{Cc}]+:\P{Cc}*$/u.test(line)) throw new TypeError('it has no such line')
  return line
}
