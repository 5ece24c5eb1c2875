import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../support/port.ts'
import { startNameServer } from '../../support/name-server.ts'
import { startPinned } from '../proxy/pinned.ts'
import { OTHER_CORE, PARTNER_HOST, createWorld } from '../proxy/world.ts'
import type { World } from '../proxy/world.ts'

/** Addresses of this namespace that are not its loopback. */
export const PARTNER_ADDRESS = '203.0.113.10'
export const OTHER_ADDRESS = '203.0.113.20'

/** Which port of the partner: HTTP/1.1 alone, or gRPC. */
export type InterceptedPartner = 'https' | 'grpc'

export interface InterceptionWorld extends World {
  /** With that of gRPC. */
  readonly tlsPorts: Readonly<Record<InterceptedPartner, number>>
  /** Knows the partner; as `dns.setServers` takes it. */
  readonly nameServer: string
  /** What other programs sign with. */
  readonly authority: Authority
}

interface Authority {
  readonly certFile: string
  readonly keyFile: string
  /** In PEM. */
  readonly cert: string
  readonly key: string
}

export async function createInterceptionWorld(): Promise<InterceptionWorld> {
  const ip = (...args: string[]): void => void execFileSync('ip', args)
  ip('link', 'set', 'lo', 'up')
  for (const address of [PARTNER_ADDRESS, OTHER_ADDRESS]) ip('address', 'add', `${address}/32`, 'dev', 'lo')
  const world = await createWorld(PARTNER_ADDRESS)
  const names = await startNameServer({ [PARTNER_HOST]: { a: [PARTNER_ADDRESS] } })
  const port = await freePort()
  const grpc = await startPinned({
    core: OTHER_CORE,
    program: process.execPath,
    args: ['test/bench/intercept/grpc-partner.ts', PARTNER_ADDRESS, String(port), world.certFile, world.keyFile],
    address: PARTNER_ADDRESS,
    port,
  })
  return {
    ...world,
    tlsPorts: { https: world.ports.https, grpc: port },
    nameServer: names.address,
    authority: createAuthority(join(world.directory, 'authority-of-peers')),
    close: async () => {
      await grpc.stop()
      await names.close()
      await world.close()
    },
  }
}

function createAuthority(directory: string): Authority {
  mkdirSync(directory)
  const [certFile, keyFile] = [join(directory, 'ca.crt'), join(directory, 'ca.key')]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile]
  const subject = ['-subj', '/CN=bench', '-days', '2', '-addext', 'keyUsage=critical,keyCertSign']
  execFileSync('openssl', ['req', '-x509', ...key, '-out', certFile, ...subject], { stdio: 'ignore' })
  const authority = { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
  // Where mitmproxy looks for it.
  writeFileSync(join(directory, 'mitmproxy-ca.pem'), authority.key + authority.cert, { mode: 0o600 })
  chmodSync(directory, 0o755)
  return authority
}
