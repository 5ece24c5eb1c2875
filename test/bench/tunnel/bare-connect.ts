// The floor of a CONNECT: Node's HTTP server and a pipe, without any decision. Prints its port.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'

const server = createServer({ noDelay: true })
server.on('connect', (request, client) => {
  const [host = '', port] = (request.url ?? '').split(':')
  const upstream = connect({ port: Number(port), host, allowHalfOpen: true, noDelay: true })
  client.on('error', () => upstream.destroy())
  upstream.on('error', () => client.destroy())
  upstream.on('connect', () => {
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    client.pipe(upstream).pipe(client)
  })
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ msg: 'listening', port: (server.address() as AddressInfo).port })}\n`)
})
