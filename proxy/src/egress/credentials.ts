import { VARIABLES } from '../contract.ts'
import { SettingsError, errorCode } from '../runtime/index.ts'

/** A Secret that changes reaches the file within a minute or so; there is no sense in looking more often. */
const READ_AGAIN_MS = 10_000

interface CredentialsDeps {
  /** @throws with Node's code. */
  readonly readFile: (path: string) => string
  /** Monotonic, in milliseconds. */
  readonly now: () => number
}

/**
 * Reads the credentials for the egress proxy, and again when they are wanted later; the last good ones stay.
 * @param path of the file; undefined where the proxy wants none.
 * @throws SettingsError naming the file when it cannot be used at start.
 */
export function readEgressCredentials(
  path: string | undefined,
  { readFile, now }: CredentialsDeps,
): () => string | undefined {
  if (path === undefined) return () => undefined
  let current = ''
  let readMs = now()
  try {
    current = parseCredentials(readFile(path))
  } catch (error) {
    // SECURITY: never what is in it.
    const wrong = errorCode(error) ?? (error instanceof TypeError ? error.message : 'unreadable')
    const where = VARIABLES.egressCredentialsFile
    throw new SettingsError([{ where, value: path, allowed: `a file with one line user:password (${wrong})` }])
  }
  return () => {
    if (now() - readMs < READ_AGAIN_MS) return current
    readMs = now()
    try {
      current = parseCredentials(readFile(path))
    } catch {
      // The last good ones may still be right; when they are not, the proxy says 407.
    }
    return current
  }
}

/** RFC 7617 §2: the user name has no colon, and neither part has control characters. */
function parseCredentials(content: string): string {
  const line = content.replace(/\r?\n$/, '')
  if (!/^[^:\p{Cc}]+:\P{Cc}*$/u.test(line)) throw new TypeError('it has no such line')
  return line
}
