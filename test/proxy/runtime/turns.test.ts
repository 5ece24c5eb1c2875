import { once } from 'node:events'
import type { Server, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { ADMIN_LIMITS, createHttpServer, listen } from '../../../proxy/src/runtime/index.ts'
import { until } from '../../support/until.ts'

describe('turns of requests on a connection', () => {
  let server: Server
  let socket: Socket
  let text = ''
  /** Responses that nobody has ended, in the order in which their requests were heard of. */
  let held: { readonly path: string | undefined; readonly response: ServerResponse }[] = []

  beforeEach(async () => {
    text = ''
    held = []
    server = createHttpServer(ADMIN_LIMITS, ({ url }, response) => held.push({ path: url, response }))
    const { port } = await listen(server, { host: '127.0.0.1', port: 0 })
    socket = connect(port, '127.0.0.1')
    socket.on('data', (chunk: Buffer) => (text += chunk.toString())).on('error', () => socket.destroy())
    await once(socket, 'connect')
  })
  afterEach(() => {
    socket.destroy()
    server.closeAllConnections()
    server.close()
  })
  const send = (...paths: readonly string[]): boolean =>
    socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''))

  it('begin one after the other, each with the answer to the one before', async () => {
    send('/1', '/2', '/3')
    for (const path of ['/1', '/2', '/3']) {
      await until('its turn has come', () => held.length > 0)
      expect(held.map((request) => request.path)).to.deep.equal([path])
      held.pop()?.response.end(path)
    }
    await until('all are answered', () => text.includes('/3'))
    send('/4')
    await until('the connection goes on', () => held.length > 0)
  })

  it('end with their connection when thousands wait for theirs, of which none was begun', async () => {
    const closed = new Promise((resolve) => socket.once('close', resolve))
    send(...Array.from({ length: 5_000 }, (_, index) => `/${index}`))
    await closed
    expect(held.map(({ path }) => path)).to.deep.equal(['/0'])
    held[0]?.response.end('late')
    expect(text).to.equal('')
    // Not a moment later, as others: what waits takes megabytes.
    const open = (): Promise<number> =>
      new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))
    await until('nothing is left of it', async () => (await open()) === 0, 800)
  })

  it('end with their connection when two wait whose few bytes are many fields', async () => {
    send('/1')
    await until('it has begun', () => held.length === 1)
    socket.write(`GET /2 HTTP/1.1\r\nHost: x\r\n${'a:\r\n'.repeat(900)}\r\n`.repeat(2))
    await until('it is ended', () => socket.closed)
    expect(held.map(({ path }) => path)).to.deep.equal(['/1'])
    expect(text).to.equal('')
  })
})
