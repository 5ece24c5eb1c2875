import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, RequestListener } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import { createTestAuthority } from '../../../support/certificates.ts'
import type { TestAuthority } from '../../../support/certificates.ts'
import { call, exchangeBytes, openSocket } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy, TestProxyOptions } from '../../../support/proxy/proxy.ts'
import { TEST_TOKEN, denied } from '../../../support/proxy/tokens.ts'
import { connectThrough, readAll } from '../../../support/proxy/tunnel.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { chat, refusedChat } from '../../../support/proxy/websocket.ts'
import { until } from '../../../support/until.ts'

const HOST = 'api.partner.example'
const OTHER = 'other.example'

describe('an upgrade', () => {
  let authority: TestAuthority
  let partner: Upstream
  let plain: Upstream
  let proxy: TestProxy
  const seen: IncomingMessage[] = []
  const peers: WebSocket[] = []
  let accept: (request: IncomingMessage, socket: Socket, head: Buffer) => void
  let answer: RequestListener

  const server = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has('chat.v2') ? 'chat.v2' : false),
  })
  server.on('connection', (peer) => {
    peers.push(peer)
    peer.on('error', () => undefined)
    peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }))
    peer.send('welcome')
  })
  const switching: typeof accept = (request, socket, head) =>
    server.handleUpgrade(request, socket, head, (peer) => server.emit('connection', peer, request))

  before(async () => {
    authority = await createTestAuthority()
    const listener: RequestListener = (request, reply) => {
      seen.push(request)
      answer(request, reply)
    }
    const onUpgrade = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
      seen.push(request)
      socket.on('error', () => socket.destroy())
      accept(request, socket, head)
    }
    partner = await startUpstream(listener, await authority.issue([HOST]), onUpgrade)
    plain = await startUpstream(listener, undefined, onUpgrade)
  })
  after(() => Promise.all([partner.close(), plain.close()]))
  afterEach(async () => {
    await proxy.close()
    for (const peer of peers.splice(0)) peer.terminate()
    seen.length = 0
  })
  const start = async (options: TestProxyOptions = {}): Promise<void> => {
    accept = switching
    answer = (_, reply) => void reply.end('plain')
    proxy = await startTestProxy({ ca: authority.ca, routes: [{ hosts: [`${HOST}:${partner.port}`] }], ...options })
  }
  const noneOpen = async (): Promise<void> => {
    await until('every connection is gone', async () => (await proxy.connections()) === 0)
    await until('no tunnel is counted', async () =>
      (await proxy.metrics()).includes('outbound_jwt_tunnels_open{mode="upgrade"} 0'),
    )
  }

  it('reaches the partner with the token, and carries messages both ways', async () => {
    await start({ settings: { LOG_LEVEL: 'debug' } })
    const { client, next } = await chat(proxy.port, `http://${HOST}/chat?room=1`, { protocols: ['chat.v1', 'chat.v2'] })
    expect(client.protocol).to.equal('chat.v2')
    client.send('hello')
    expect((await next()).toString()).to.equal('welcome')
    expect((await next()).toString()).to.equal('hello')
    expect(seen[0]?.headers).to.include({
      authorization: `Bearer ${TEST_TOKEN}`,
      host: `${HOST}:${partner.port}`,
      connection: 'upgrade',
      upgrade: 'websocket',
    })
    expect(seen[0]?.url).to.equal('/chat?room=1')
    expect(await proxy.metrics()).to.include('outbound_jwt_tunnels_open{mode="upgrade"} 1')
    client.close()
    await once(client, 'close')
    await noneOpen()
    expect(await proxy.metrics())
      .to.include('http_response_status_code="101",error_type=""} 1')
      .and.to.include('outbound_jwt_requests_in_flight 0')
    expect(proxy.log()).to.include('"msg":"tunnel closed"').and.not.to.include('eyJ')
  })

  it('reaches a host without a rule untouched', async () => {
    await start()
    const { client, next } = await chat(proxy.port, `http://${OTHER}:${plain.port}/`, {
      headers: { Authorization: 'Basic app' },
    })
    expect((await next()).toString()).to.equal('welcome')
    expect(seen[0]?.headers).to.include({ authorization: 'Basic app', host: `${OTHER}:${plain.port}` })
    expect(proxy.tokens.asked).to.be.empty
    client.terminate()
  })

  it('works inside of a CONNECT to port 80, as undici and browsers do it', async () => {
    await start()
    const { socket } = await connectThrough(proxy.port, `${HOST}:80`)
    const { client, next } = await chat(proxy.port, `http://${HOST}/`, { connection: socket })
    expect((await next()).toString()).to.equal('welcome')
    expect(seen[0]?.headers).to.include({ authorization: `Bearer ${TEST_TOKEN}` })
    client.terminate()
    await noneOpen()
  })

  it('carries frames of megabytes', async () => {
    await start()
    const { client, next } = await chat(proxy.port, `http://${HOST}/`)
    await next()
    for (const size of [0, 1, 65_536, 5 << 20]) {
      const frame = randomBytes(size)
      client.send(frame)
      expect((await next()).equals(frame), `${size} bytes came back`).to.equal(true)
    }
    client.terminate()
  })

  it('keeps what the client says before the partner has agreed', async () => {
    await start()
    accept = (_request, socket, head) => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\nContent-Length: 3\r\n\r\nhi ',
      )
      socket.write(head)
      socket.pipe(socket)
    }
    const client = await openSocket(proxy.port)
    client.write(`GET http://${HOST}/ HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly `)
    await until('the partner was asked', () => seen.length === 1)
    client.write('late')
    let text = ''
    client.on('data', (chunk: Buffer) => (text += chunk.toString()))
    await until('all came back', () => text.endsWith('late'))
    client.end()
    await once(client, 'close')
    expect(text).to.equal(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhi early late',
    )
    await noneOpen()
  })

  it('hands back any other answer of the partner, whole', async () => {
    await start()
    const large = 'x'.repeat(32 << 20)
    accept = (_request, socket) =>
      void socket.end(`HTTP/1.1 401 Unauthorized\r\nContent-Length: ${large.length}\r\n\r\n${large}`)
    const { status, body } = await refusedChat(proxy.port, `http://${HOST}/`)
    expect(status).to.equal(401)
    expect(body === large, 'the body came whole').to.equal(true)
    await until('every connection is gone', async () => (await proxy.connections()) === 0)
    expect(await proxy.metrics()).to.include('outbound_jwt_requests_in_flight 0')
  })

  it('never calls the partner without a token', async () => {
    await start()
    proxy.tokens.answer = denied
    const { status, body } = await refusedChat(proxy.port, `http://${HOST}/`)
    expect([status, JSON.parse(body)]).to.have.nested.property('[1].error.code', 'token_denied')
    expect(status).to.equal(502)
    expect(seen).to.be.empty
  })

  it('ends its connection after a refusal, though the client does not', async () => {
    await start({ settings: { UNMATCHED: 'deny' } })
    const client = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true })
    client.write(`GET http://${OTHER}/ HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
    expect(await readAll(client)).to.match(/^HTTP\/1.1 403 /)
    await until('the connection is gone', async () => (await proxy.connections()) === 0)
    client.destroy()
  })

  it('is refused like any request where its host or port is', async () => {
    await start({ settings: { UNMATCHED: 'deny' } })
    expect((await refusedChat(proxy.port, `http://${OTHER}/`)).status).to.equal(403)
    expect((await refusedChat(proxy.port, `http://${HOST}:1/`)).status).to.equal(403)
    expect((await refusedChat(proxy.port, 'http://user@bad/')).status).to.equal(400)
  })

  const ignored: readonly (readonly [string, string])[] = [
    [
      'to HTTP/2, as Java offers it',
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n',
    ],
    ['to TLS', 'Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n'],
    ['of a request with content', 'Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n'],
    ['that Connection does not name', 'Upgrade: websocket\r\n'],
  ]
  for (const [what, fields] of ignored)
    it(`is ignored ${what}`, async () => {
      await start()
      const bytes = await exchangeBytes(
        proxy.port,
        `POST http://${HOST}/ HTTP/1.1\r\n${fields}Connection: close\r\n\r\n${fields.includes('Length') ? 'ab' : ''}`,
      )
      expect(bytes).to.match(/^HTTP\/1.1 200 OK/)
      expect(seen[0]?.headers)
        .to.include({ authorization: `Bearer ${TEST_TOKEN}` })
        .and.not.have.property('upgrade')
    })

  it('stops waiting for the partner when the client leaves', async () => {
    await start()
    accept = () => undefined
    const client = await openSocket(proxy.port)
    client.write(`GET http://${HOST}/ HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
    await until('the partner was asked', () => seen.length === 1)
    client.end()
    await until('the partner was let go', () => partner.sockets.size === 0)
    expect(await proxy.metrics()).to.include('error_type="client_gone"} 1')
    await until('every connection is gone', async () => (await proxy.connections()) === 0)
  })

  for (const side of ['client', 'partner'] as const)
    it(`passes on that the ${side} broke off`, async () => {
      await start()
      const { client } = await chat(proxy.port, `http://${HOST}/`)
      await until('the partner has a peer', () => peers.length === 1)
      const other = side === 'client' ? peers[0]! : client
      const closed = once(
        other.on('error', () => undefined),
        'close',
      )
      if (side === 'client') (client as WebSocket & { _socket: Socket })._socket.resetAndDestroy()
      else for (const socket of partner.sockets) socket.resetAndDestroy()
      expect((await closed)[0]).to.equal(1006)
      await noneOpen()
      expect(partner.sockets.size).to.equal(0)
    })

  it('ends when the partner has, though the client does not', async () => {
    await start()
    accept = (_request, socket) => void socket.end('HTTP/1.1 101 OK\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nbye')
    const client = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true })
    client.write(`GET http://${HOST}/ HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`)
    expect(await readAll(client)).to.match(/bye$/)
    await noneOpen()
    client.destroy()
  })

  it('holds back a partner whose client does not read', async () => {
    await start()
    const { client } = await chat(proxy.port, `http://${HOST}/`)
    await until('the partner has a peer', () => peers.length === 1)
    client.pause()
    const chunk = Buffer.alloc(1 << 20)
    for (let index = 0; index < 64; index++) peers[0]!.send(chunk)
    const waiting = (): number => peers[0]!.bufferedAmount
    let last = -1
    await until('the partner gets no more rid of', () => {
      const isSame = waiting() === last
      last = waiting()
      return isSame
    })
    expect(waiting()).to.be.greaterThan(32 << 20)
    client.resume()
    await until('it got rid of all', () => waiting() === 0)
    client.terminate()
  })

  it('leaves other requests alone', async () => {
    await start()
    const { client } = await chat(proxy.port, `http://${HOST}/`)
    expect((await call(proxy.port, `http://${HOST}/`)).status).to.equal(200)
    client.terminate()
  })
})
