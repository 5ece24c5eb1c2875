import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import type { WebhookReplica } from './webhook.ts'

/** What a Service is to its pods: new connections go to ready replicas, open ones stay where they are. */
export interface Balancer {
  readonly port: number
  add(replica: WebhookReplica): void
  remove(replica: WebhookReplica): void
  close(): void
}

/** How often readiness is probed; a kubelet does it every second. */
const PROBE_MS = 1_000

export async function startBalancer(): Promise<Balancer> {
  const replicas = new Map<WebhookReplica, boolean>()
  const sockets = new Set<Socket>()
  let turn = 0
  const probe = async (replica: WebhookReplica): Promise<void> => {
    const ready = await replica.admin('/readyz').then(
      ({ status }) => status === 200,
      () => false,
    )
    if (replicas.has(replica)) replicas.set(replica, ready)
  }
  const timer = setInterval(() => {
    for (const replica of replicas.keys()) void probe(replica)
  }, PROBE_MS)
  const server = createServer((client) => {
    const ready = [...replicas].filter(([, isReady]) => isReady).map(([replica]) => replica)
    const target = ready[(turn += 1) % ready.length]
    if (!target) {
      client.destroy()
      return
    }
    const upstream = connect(target.port, '127.0.0.1')
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one)
      one.once('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.on('error', () => other.destroy())
      one.pipe(other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    add: (replica) => {
      replicas.set(replica, false)
      void probe(replica)
    },
    remove: (replica) => {
      replicas.delete(replica)
    },
    close: () => {
      clearInterval(timer)
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
