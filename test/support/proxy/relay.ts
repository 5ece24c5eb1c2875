import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

const PIECE = 100

/** @returns the port of a relay that passes on what clients say in pieces of some octets. */
export async function startRelay(port: number): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((client) => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true })
    upstream.pipe(client)
    client.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; at += PIECE) upstream.write(chunk.subarray(at, at + PIECE))
    })
    client.on('close', () => upstream.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, close: () => server.close() }
}
