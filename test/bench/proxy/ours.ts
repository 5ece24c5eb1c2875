import { join } from 'node:path'
import { argumentsHere, entrypoint, imageEnvironment } from '../../support/image.ts'
import { freePort } from '../../support/port.ts'
import { startPinned } from './pinned.ts'
import type { Pinned } from './pinned.ts'
import { proxySettings } from './settings.ts'
import type { Target } from './target.ts'
import { PARTNER_HOST, TARGET_CORE } from './world.ts'
import type { Partner, World } from './world.ts'

/** Starts the shipped bundle, with metrics and token engine on. */
export async function startOurs(world: World, partner: Partner): Promise<Target> {
  const port = await freePort()
  const host = `${PARTNER_HOST}:${world.ports[partner]}`
  // A partner in clear text never gets a token.
  const settings = proxySettings(world, port, partner === 'http' ? 'unused.example' : host)
  const proxy = await startBundle(world, port, settings)
  return { ...proxy, port, origin: `http://${host}`, host }
}

/** Starts the shipped bundle as its image does. */
export function startBundle(world: World, port: number, settings: Readonly<Record<string, string>>): Promise<Pinned> {
  const bundle = argumentsHere(entrypoint('Dockerfile.proxy'), 'dist/proxy')
  return startPinned({
    core: TARGET_CORE,
    program: process.execPath,
    args: ['--import', './test/support/resolve.mjs', ...bundle],
    port,
    env: {
      ...imageEnvironment('Dockerfile.proxy'),
      NODE_COMPILE_CACHE: join(world.directory, 'compiled'),
      ...settings,
    },
  })
}
