// The floor: what Node needs to pass bytes between two sockets. Usage: bare-pipe.ts PORT_OF_UPSTREAM; prints its own port.
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'

const upstreamPort = Number(process.argv[2])
const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const upstream = connect({ port: upstreamPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  client.on('error', () => upstream.destroy()).pipe(upstream)
  upstream.on('error', () => client.destroy()).pipe(client)
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ msg: 'listening', port: (server.address() as AddressInfo).port })}\n`)
})
