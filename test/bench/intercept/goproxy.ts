import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { peerFolder, reasonAgainst } from '../installed.ts'
import { startPinned } from '../proxy/pinned.ts'
import type { Pinned } from '../proxy/pinned.ts'
import { BEARER } from '../proxy/target.ts'
import { TARGET_CORE } from '../proxy/world.ts'
import type { InterceptionWorld } from './world.ts'

const MODULE = 'github.com/elazarl/goproxy@v1.9.4'
const SOURCE = 'test/bench/intercept/peers/goproxy.go'

/** Why it is not measured; undefined when it can be. */
export function missingGoproxy(): string | undefined {
  return reasonAgainst(() => {
    const folder = peerFolder('goproxy')
    const source = join(folder, 'main.go')
    const isBuilt = existsSync(join(folder, 'goproxy')) && existsSync(source)
    if (isBuilt && readFileSync(source, 'utf8') === readFileSync(SOURCE, 'utf8')) return
    const go = (...args: string[]): void => void execFileSync('go', args, { cwd: folder, stdio: 'pipe' })
    for (const file of ['go.mod', 'go.sum']) rmSync(join(folder, file), { force: true })
    copyFileSync(SOURCE, source)
    go('mod', 'init', 'bench')
    go('get', MODULE)
    go('build', '-o', 'goproxy', '.')
  }, `it needs go, and ${MODULE}`)
}

/** Starts it with its certificates cached, and a pool for as many connections as the load has. */
export function startGoproxy(world: InterceptionWorld, port: number): Promise<Pinned> {
  return startPinned({
    core: TARGET_CORE,
    program: join(peerFolder('goproxy'), 'goproxy'),
    args: [],
    port,
    env: {
      PORT: String(port),
      PARTNER_ADDRESS: world.address,
      CA_FILE: world.caFile,
      SIGNING_CERT: world.authority.certFile,
      SIGNING_KEY: world.authority.keyFile,
      BEARER,
      GOMAXPROCS: '1',
    },
  })
}
