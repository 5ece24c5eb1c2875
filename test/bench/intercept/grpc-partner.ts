// A partner that says every gRPC message back, on the bare module: grpc-partner.ts ADDRESS PORT CERTIFICATE KEY.
import { readFileSync } from 'node:fs'
import { createSecureServer } from 'node:http2'
import type { ServerHttp2Stream } from 'node:http2'

const [address, port, cert = '', key = ''] = process.argv.slice(2)
const UNAUTHENTICATED = '16'

const server = createSecureServer({ cert: readFileSync(cert), key: readFileSync(key), minVersion: 'TLSv1.3' })
server.on('stream', (stream: ServerHttp2Stream, headers) => {
  stream.on('error', () => undefined)
  const head = { ':status': 200, 'content-type': 'application/grpc' }
  if (headers.authorization === undefined) {
    stream.respond({ ...head, 'grpc-status': UNAUTHENTICATED }, { endStream: true })
    return
  }
  stream.respond(head, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.pipe(stream)
})
server.listen(Number(port), address)
