import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { python } from '../../clients/tools.ts'
import { peerFolder, reasonAgainst } from '../installed.ts'
import { startPinned } from '../proxy/pinned.ts'
import type { Pinned } from '../proxy/pinned.ts'
import { BEARER } from '../proxy/target.ts'
import { TARGET_CORE } from '../proxy/world.ts'
import type { InterceptionWorld } from './world.ts'

const PACKAGE = 'mitmproxy==11.0.2'
const program = (): string => join(peerFolder('mitmproxy'), 'python/bin/mitmdump')

/** Why it is not measured; undefined when it can be. */
export function missingMitmproxy(): string | undefined {
  return reasonAgainst(() => {
    // The version of pyperclip that it wants has no wheel.
    python(['--no-binary=pyperclip', PACKAGE]).install({ directory: peerFolder('mitmproxy') })
    execFileSync(program(), ['--version'], { stdio: 'ignore' })
  }, `\`pip install ${PACKAGE}\``)
}

/** Starts it without its screen, its log, and its look at the partner's certificate. */
export function startMitmproxy(world: InterceptionWorld, port: number): Promise<Pinned> {
  const options = {
    confdir: dirname(world.authority.certFile),
    connection_strategy: 'lazy',
    upstream_cert: 'false',
    ssl_verify_upstream_trusted_ca: world.caFile,
    flow_detail: '0',
    termlog_verbosity: 'error',
  }
  const set = Object.entries(options).flatMap(([name, value]) => ['--set', `${name}=${value}`])
  return startPinned({
    core: TARGET_CORE,
    program: program(),
    args: [
      '--listen-host',
      '127.0.0.1',
      '--listen-port',
      String(port),
      ...set,
      '-s',
      'test/bench/intercept/peers/header.py',
    ],
    port,
    env: { PARTNER_ADDRESS: world.address, BEARER, LC_ALL: 'C.UTF-8' },
  })
}
