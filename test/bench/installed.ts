import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Peers are installed outside of the repository, and kept for the next run. @returns the folder of one of them. */
export function peerFolder(name: string): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const folder = join(cache, 'aws-outbound-jwt-injector/bench', name)
  mkdirSync(folder, { recursive: true })
  return folder
}

/**
 * @param advice how to install it by hand.
 * @returns why a peer is left out; undefined when it can run.
 */
export function reasonAgainst(install: () => void, advice: string): string | undefined {
  try {
    install()
    return undefined
  } catch {
    // SECURITY: what the installer said names paths and registries, and reports are public.
    return `it could not be installed here; ${advice}`
  }
}
