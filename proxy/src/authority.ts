import type { PodAuthority } from './authority/authority.ts'
import { SETTINGS } from './config.ts'
import type { ProxyConfig } from './config.ts'
import { readHostPattern } from './contract.ts'
import type { NamedFile } from './runtime/index.ts'
import { diskFiles } from './runtime/index.ts'
import type { Clock } from './tokens/time.ts'

/**
 * Opens the certificate authority of this pod, if a route intercepts. Its code is loaded only then.
 * @throws SettingsError when a directory or a file cannot be used.
 */
export async function openAuthorityOf(
  config: ProxyConfig,
  clock: Pick<Clock, 'now'>,
  publicRoots: () => readonly string[],
): Promise<PodAuthority | undefined> {
  const routes = config.routes.filter(({ https }) => https === 'intercept')
  if (routes.length === 0) return undefined
  const named = (setting: 'trustDir' | 'authorityDir' | 'extraCaFile'): NamedFile => ({
    where: SETTINGS[setting].variable,
    path: config[setting] ?? '',
  })
  const { openAuthority } = await import('./authority/authority.ts')
  return openAuthority({
    hosts: routes.flatMap(({ hosts }) => hosts).map(readHostPattern),
    trustDir: named('trustDir'),
    authorityDir: named('authorityDir'),
    extraCa: config.extraCaFile === undefined ? undefined : named('extraCaFile'),
    publicRoots: publicRoots(),
    files: diskFiles,
    clock,
  })
}
