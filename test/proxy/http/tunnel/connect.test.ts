import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import type { TestAuthority } from '../../../support/certificates.ts'
import { exchangeBytes, read } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy, TestProxyOptions } from '../../../support/proxy/proxy.ts'
import { connectThrough, readAll } from '../../../support/proxy/tunnel.ts'
import { TEST_TOKEN } from '../../../support/proxy/tokens.ts'
import { startRawUpstream, startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

const HOST = 'api.partner.example'
const OTHER = 'other.example'

describe('CONNECT', () => {
  let authority: TestAuthority
  let partner: Upstream
  let proxy: TestProxy
  const seen: IncomingMessage[] = []
  const upstreams: Upstream[] = []

  before(async () => {
    authority = await createTestAuthority()
    partner = await startUpstream(
      (incoming, reply) => {
        seen.push(incoming)
        incoming.pipe(reply)
      },
      await authority.issue([HOST]),
    )
  })
  after(() => partner.close())
  afterEach(async () => {
    seen.length = 0
    await proxy.close()
    await Promise.all(upstreams.splice(0).map((upstream) => upstream.close()))
  })
  const start = async (options: TestProxyOptions = {}, route: object = {}): Promise<void> => {
    proxy = await startTestProxy({
      ca: authority.ca,
      routes: [{ hosts: [`${HOST}:${partner.port}`], ...route }],
      ...options,
    })
  }
  const raw = async (onSocket: (socket: Socket) => void): Promise<Upstream> => {
    const upstream = await startRawUpstream(onSocket)
    upstreams.push(upstream)
    return upstream
  }
  const tunnel = async (target: string): Promise<Socket> => {
    const { status, socket } = await connectThrough(proxy.port, target)
    expect(status).to.equal(200)
    return socket
  }
  describe('to a host without a rule', () => {
    it('passes bytes both ways and never looks at them', async () => {
      await start()
      const echo = await raw((socket) => socket.pipe(socket))
      const socket = await tunnel(`${OTHER}:${echo.port}`)
      const bytes = Buffer.alloc(3 << 20, 'GET / HTTP/1.1\r\n\r\n')
      socket.end(bytes)
      expect((await readAll(socket)) === bytes.toString(), 'the bytes came back').to.equal(true)
      expect(proxy.tokens.asked).to.be.empty
    })

    it('lets TLS pass to any port', async () => {
      await start({ routes: [] })
      const socket = await tunnel(`${HOST}:${partner.port}`)
      const secure = connectTls({ socket, servername: HOST, ca: authority.ca })
      const outgoing = request({ createConnection: () => secure, host: HOST })
      outgoing.end()
      const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
      expect((await read(incoming)).status).to.equal(200)
      expect(seen[0]?.headers).not.to.have.property('authorization')
    })

    it('lets the server speak first', async () => {
      await start()
      const greeter = await raw((socket) => void socket.end('220 ready\r\n'))
      expect(await readAll(await tunnel(`${OTHER}:${greeter.port}`))).to.equal('220 ready\r\n')
    })

    it('keeps what was sent right behind the CONNECT', async () => {
      await start()
      const echo = await raw((socket) => socket.pipe(socket))
      const { socket } = await connectThrough(proxy.port, `${OTHER}:${echo.port}`, { early: 'early ' })
      socket.end('late')
      expect(await readAll(socket)).to.equal('early late')
    })

    for (const side of ['client', 'server'] as const)
      it(`keeps a connection whose ${side} has said all it has to say`, async () => {
        await start()
        let heard = ''
        const upstream = await raw((socket) => {
          if (side === 'server') socket.end('all')
          socket.on('data', (chunk: Buffer) => (heard += chunk.toString()))
          socket.on('end', () => socket.end('bye'))
        })
        const socket = await tunnel(`${OTHER}:${upstream.port}`)
        if (side === 'client') {
          socket.end('question')
          expect(await readAll(socket)).to.equal('bye')
          expect(heard).to.equal('question')
        } else {
          expect(await readAll(socket)).to.equal('all')
          socket.end('still heard')
          await until('the server hears the client', () => heard === 'still heard')
        }
      })
  })

  describe('to a partner on port 80', () => {
    const get = (path: string, host = HOST, fields = ''): string =>
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`

    it('serves what comes out like any request: with a token, over TLS', async () => {
      await start()
      const socket = await tunnel(`${HOST}:80`)
      socket.write(get('/orders?id=1', HOST, 'Connection: close\r\n'))
      expect(await readAll(socket)).to.match(/^HTTP\/1.1 200/)
      expect(seen[0]?.headers).to.include({
        authorization: `Bearer ${TEST_TOKEN}`,
        host: `${HOST}:${partner.port}`,
      })
      expect(seen[0]?.url).to.equal('/orders?id=1')
      expect(await proxy.metrics()).to.include('outbound_jwt_connects_total{result="plain"} 1')
    })

    it('serves several requests, also one that came with the CONNECT', async () => {
      await start()
      const { socket } = await connectThrough(proxy.port, `${HOST}:80`, { early: get('/1') })
      socket.write(get('/2', `${HOST.toUpperCase()}:80`))
      socket.write(get(`http://${HOST}/3`, HOST, 'Connection: close\r\n'))
      expect((await readAll(socket)).match(/HTTP\/1.1 200/g)).to.have.lengthOf(3)
      expect(seen.map(({ url }) => url)).to.deep.equal(['/1', '/2', '/3'])
      await until('the connection is gone', async () => (await proxy.connections()) === 0)
    })

    for (const [what, bytes] of [
      ['Host', get('/', OTHER)],
      ['port', get('/', `${HOST}:81`)],
      ['second Host', get('/', HOST, `Host: ${OTHER}\r\n`)],
      ['absolute target', get(`http://${OTHER}/`, HOST)],
      ['scheme', get(`https://${HOST}/`, HOST)],
    ] as const)
      it(`refuses a request with another ${what} than the CONNECT`, async () => {
        await start()
        const socket = await tunnel(`${HOST}:80`)
        socket.end(bytes)
        expect(await readAll(socket))
          .to.match(/^HTTP\/1.1 421 /)
          .and.to.include('authority_mismatch')
        expect(proxy.tokens.asked).to.be.empty
      })

    it('refuses another CONNECT inside', async () => {
      await start()
      const socket = await tunnel(`${HOST}:80`)
      socket.write(`CONNECT ${OTHER}:80 HTTP/1.1\r\nHost: ${OTHER}\r\n\r\n`)
      expect(await readAll(socket))
        .to.match(/^HTTP\/1.1 400 /)
        .and.to.include('into a tunnel')
    })

    it('answers what is no HTTP', async () => {
      await start()
      const socket = await tunnel(`${HOST}:80`)
      socket.write('SSH-2.0-client\r\n')
      expect(await readAll(socket)).to.match(/^HTTP\/1.1 400 /)
    })

    it('closes and counts TLS inside', async () => {
      await start()
      const socket = await tunnel(`${HOST}:80`)
      const secure = connectTls({ socket, servername: HOST, ca: authority.ca })
      const [error] = (await once(secure, 'error')) as [Error]
      expect(error.message).to.include('disconnected')
      expect(await proxy.metrics()).to.include('outbound_jwt_connects_total{result="tls_in_plain"} 1')
      expect(partner.sockets.size).to.equal(0)
    })

    it('does not hold up a drain, before its first request or between two', async () => {
      await start()
      const silent = await tunnel(`${HOST}:80`)
      const idle = await tunnel(`${HOST}:80`)
      idle.write(get('/'))
      expect(String((await once(idle, 'data'))[0])).to.match(/^HTTP\/1.1 200/)
      const ends = [readAll(silent), readAll(idle)]
      await proxy.drain()
      await Promise.all(ends)
    })

    it('ends a connection that never says anything', async () => {
      await start({ limits: { headMs: 100 } })
      expect(await readAll(await tunnel(`${HOST}:80`))).to.match(/^HTTP\/1.1 408 /)
    })
  })

  it('opens a blind tunnel to a partner whose route says https: tunnel, and says so', async () => {
    await start({}, { https: 'tunnel' })
    const socket = await tunnel(`${HOST}:${partner.port}`)
    const secure = connectTls({ socket, servername: HOST, ca: authority.ca })
    await once(secure, 'secureConnect')
    secure.destroy()
    expect(await proxy.metrics()).to.include('outbound_jwt_connects_total{result="unauthenticated"} 1')
  })

  it('never writes into a response that is under way', async () => {
    await start()
    const slow = await raw((socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart'))
    const bytes = exchangeBytes(
      proxy.port,
      `GET http://${OTHER}:${slow.port}/ HTTP/1.1\r\n\r\nCONNECT ${OTHER}:${slow.port} HTTP/1.1\r\n\r\n`,
    )
    expect(await bytes).not.to.include('Established')
  })
})
