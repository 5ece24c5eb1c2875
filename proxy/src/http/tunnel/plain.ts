import type { Socket } from 'node:net'
import { locateInside } from '../../routing/inside.ts'
import type { Locate } from '../../routing/locate.ts'
import type { PlainTunnel } from '../../routing/tunnel.ts'

/** Connections that came out of a CONNECT to port 80 of a rule host. */
export interface PlainTunnels {
  /** From now on requests on this connection may name no other host. */
  bind(client: Socket, tunnel: PlainTunnel): void
  of(client: Socket): PlainTunnel | undefined
  /** How requests on a connection say where they want to go; undefined outside of tunnels. */
  locate(client: Socket): Locate | undefined
}

/** Creates the memory of which connection belongs to which tunnel; it ends with the connection. */
export function createPlainTunnels(): PlainTunnels {
  const bound = new WeakMap<Socket, { readonly tunnel: PlainTunnel; readonly locate: Locate }>()
  return {
    bind: (client, tunnel) => void bound.set(client, { tunnel, locate: locateInside(tunnel) }),
    of: (client) => bound.get(client)?.tunnel,
    locate: (client) => bound.get(client)?.locate,
  }
}
