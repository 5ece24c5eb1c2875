import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { openAuthority } from '../../../proxy/src/authority/authority.ts'
import type { PodAuthority } from '../../../proxy/src/authority/authority.ts'
import { createSystemClock } from '../../../proxy/src/tokens/time.ts'
import { connectThrough } from './tunnel.ts'

/** What a pod's sidecar signs with, its files in memory. */
export interface TestPodAuthority extends PodAuthority {
  /** PEM of the anchor. */
  readonly anchor: string
}

export async function openPodAuthority(...hosts: readonly string[]): Promise<TestPodAuthority> {
  const files = new Map<string, string | Uint8Array>()
  const authority = await openAuthority({
    hosts: hosts.map((host) => ({ host, wildcard: false })),
    trustDir: { where: 'TRUST_DIR', path: '/trust' },
    authorityDir: { where: 'AUTHORITY_DIR', path: '/authority' },
    extraCa: undefined,
    publicRoots: [],
    files: {
      read: () => undefined,
      replace: (path, content) => void files.set(path, content),
    },
    clock: createSystemClock(),
  })
  return { ...authority, anchor: String(files.get('/trust/ca.crt')) }
}

/** Opens TLS through a CONNECT, as a client of an https:// URL does. @throws what the handshake reports. */
export async function secureThrough(port: number, target: string, options: ConnectionOptions): Promise<TLSSocket> {
  const { status, socket } = await connectThrough(port, target)
  if (status !== 200) throw new Error(`CONNECT: ${status}`)
  socket.allowHalfOpen = false
  const secure = connectTls({ socket, servername: target.split(':')[0], ...options })
  await once(secure, 'secureConnect')
  return secure
}
