import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { argumentsHere, entrypoint, imageEnvironment } from '../../support/image.ts'
import { freePort } from '../../support/port.ts'
import { startPinned } from './pinned.ts'
import type { Pinned } from './pinned.ts'
import { proxySettings } from './settings.ts'
import type { Target } from './target.ts'
import { PARTNER_HOST, TARGET_CORE } from './world.ts'
import type { Partner, World } from './world.ts'

/** A built checkout of an earlier version, which this one is compared with. */
export const BASELINE = process.env['BASELINE']

/** Why the earlier version is not measured; undefined when it can be. */
export function missingBaseline(): string | undefined {
  const isBuilt = BASELINE !== undefined && existsSync(join(BASELINE, 'dist/proxy'))
  return isBuilt ? undefined : 'BASELINE names no built checkout of an earlier version'
}

/** Starts the shipped bundle, with metrics and token engine on. @param checkout where it was built. */
export async function startOurs(world: World, partner: Partner, checkout = '.'): Promise<Target> {
  const port = await freePort()
  const host = `${PARTNER_HOST}:${world.ports[partner]}`
  // A partner in clear text never gets a token.
  const settings = proxySettings(world, port, partner === 'http' ? 'unused.example' : host)
  const proxy = await startBundle(world, port, settings, checkout)
  return { ...proxy, port, origin: `http://${host}`, host }
}

/** Starts the shipped bundle as its image does. */
export function startBundle(
  world: World,
  port: number,
  settings: Readonly<Record<string, string>>,
  checkout = '.',
): Promise<Pinned> {
  const dockerfile = join(checkout, 'Dockerfile.proxy')
  const bundle = argumentsHere(entrypoint(dockerfile), join(checkout, 'dist/proxy'))
  return startPinned({
    core: TARGET_CORE,
    program: process.execPath,
    args: ['--import', './test/support/resolve.mjs', ...bundle],
    port,
    env: {
      ...imageEnvironment(dockerfile),
      NODE_COMPILE_CACHE: join(world.directory, checkout === '.' ? 'compiled' : 'compiled-before'),
      ...settings,
    },
  })
}
