import { VARIABLES, formatTokenFiles } from '@aws-outbound-jwt-injector/proxy/contract'
import type { PlannedTokenFile } from '../annotations/token-files.ts'
import type { SidecarParts } from './credentials.ts'
import { withoutExpansion } from './sidecar.ts'
import { TOKENS, inMemory } from './volumes.ts'

/** What the sidecar needs to write tokens for applications. @param files at least one. */
export function planTokenFiles(files: readonly PlannedTokenFile[]): SidecarParts {
  return {
    env: [
      { name: VARIABLES.tokenFiles, value: withoutExpansion(formatTokenFiles(files.map(({ file }) => file))) },
      { name: VARIABLES.tokensDir, value: TOKENS.mountPath },
    ],
    volumes: [{ name: TOKENS.name, emptyDir: inMemory('4Mi') }],
    mounts: [TOKENS],
  }
}
