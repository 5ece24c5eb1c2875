import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import type { TestAuthority } from '../../../support/certificates.ts'
import { openPodAuthority, secureThrough } from '../../../support/proxy/interception.ts'
import type { TestPodAuthority } from '../../../support/proxy/interception.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy, TestProxyOptions } from '../../../support/proxy/proxy.ts'
import { TEST_TOKEN } from '../../../support/proxy/tokens.ts'
import { connectThrough, readAll } from '../../../support/proxy/tunnel.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

const HOST = 'api.partner.example'

describe('an intercepted CONNECT', () => {
  let partners: TestAuthority
  let pod: TestPodAuthority
  let partner: Upstream
  let proxy: TestProxy
  const seen: IncomingMessage[] = []

  before(async () => {
    partners = await createTestAuthority()
    pod = await openPodAuthority(HOST)
    partner = await startUpstream(
      (incoming, reply) => {
        seen.push(incoming)
        if (incoming.url === '/moved') reply.setHeader('location', `https://${HOST}:${partner.port}/there`)
        incoming.pipe(reply)
      },
      await partners.issue([HOST]),
      (incoming, socket) => {
        seen.push(incoming)
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
        socket.pipe(socket)
      },
    )
  })
  after(() => partner.close())
  beforeEach(() => start())
  afterEach(async () => {
    seen.length = 0
    await proxy.close()
  })
  const start = async (options: TestProxyOptions = {}): Promise<void> => {
    proxy = await startTestProxy({
      ca: partners.ca,
      authority: pod,
      routes: [{ hosts: [authority()], https: 'intercept' }],
      ...options,
    })
  }
  const restart = async (options: TestProxyOptions): Promise<void> => {
    await proxy.close()
    await start(options)
  }
  const authority = (): string => `${HOST}:${partner.port}`
  const secure = (options: ConnectionOptions = {}): Promise<TLSSocket> =>
    secureThrough(proxy.port, authority(), { ca: pod.anchor, ...options })
  const get = (path: string, host = authority(), fields = ''): string =>
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`
  const ask = async (text: string, options?: ConnectionOptions): Promise<string> => {
    const socket = await secure(options)
    socket.write(text)
    return readAll(socket)
  }
  const LAST = 'Connection: close\r\n'

  it('gives an https:// URL its token, over TLS that the client verified', async () => {
    const answer = await ask(get('/orders?id=1', authority(), LAST))
    expect(answer).to.match(/^HTTP\/1\.1 200/)
    expect(seen[0]?.headers).to.include({ authorization: `Bearer ${TEST_TOKEN}`, host: authority() })
    expect(seen[0]?.url).to.equal('/orders?id=1')
    const metrics = await proxy.metrics()
    expect(metrics).to.include('outbound_jwt_connects_total{result="intercepted"} 1')
    expect(metrics).not.to.include('outbound_jwt_intercept_refused_total{')
  })

  it('serves one request after another on one connection', async () => {
    const socket = await secure()
    socket.write(get('/1') + get('/2') + get('/3', authority(), LAST))
    expect((await readAll(socket)).match(/HTTP\/1\.1 200/g)).to.have.length(3)
    expect(seen.map(({ url }) => url)).to.deep.equal(['/1', '/2', '/3'])
  })

  it('hands back a Location as the partner wrote it', async () => {
    expect(await ask(get('/moved', authority(), LAST))).to.include(`https://${authority()}/there`)
  })

  it('passes WebSocket on', async () => {
    const socket = await secure()
    socket.write(get('/socket', authority(), 'Connection: Upgrade\r\nUpgrade: websocket\r\n'))
    let heard = ''
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()))
    await until('the partner agrees', () => heard.startsWith('HTTP/1.1 101'))
    expect(seen[0]?.headers).to.include({ authorization: `Bearer ${TEST_TOKEN}` })
    socket.write('ping')
    await until('the echo is back', () => heard.endsWith('ping'))
    socket.destroy()
  })

  for (const [what, text] of [
    ['another Host', get('/', 'other.example', LAST)],
    ['the Host of plain HTTP', get('/', `${HOST}:80`, LAST)],
    ['an absolute target of plain HTTP', `GET http://HOST/ HTTP/1.1\r\nHost: HOST\r\n${LAST}\r\n`],
  ] as const)
    it(`refuses ${what} with 421`, async () => {
      const answer = await ask(text.replaceAll('HOST', authority()))
      expect(answer)
        .to.match(/^HTTP\/1\.1 421/)
        .and.include('authority_mismatch')
      expect(seen).to.be.empty
    })

  it('completes the handshake of another server name and refuses its requests with 421', async () => {
    const answer = await ask(get('/', authority(), LAST), {
      servername: 'other.example',
      checkServerIdentity: () => undefined,
    })
    expect(answer)
      .to.match(/^HTTP\/1\.1 421/)
      .and.include('authority_mismatch')
    expect(seen).to.be.empty
  })

  it('serves a client that sends no server name', async () => {
    const answer = await ask(get('/', authority(), LAST), { servername: '', checkServerIdentity: () => undefined })
    expect(answer).to.match(/^HTTP\/1\.1 200/)
  })

  it('takes TLS 1.2 and nothing older', async () => {
    const old = { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' } as const
    const error: unknown = await secure({ ...old, ciphers: 'DEFAULT@SECLEVEL=0' }).catch((reason: unknown) => reason)
    expect(error)
      .to.have.property('code')
      .that.matches(/PROTOCOL/)
    expect(await ask(get('/', authority(), LAST), { maxVersion: 'TLSv1.2' })).to.match(/^HTTP\/1\.1 200/)
  })

  it('answers plain HTTP with 400 and closes', async () => {
    const { socket } = await connectThrough(proxy.port, authority())
    socket.write(get('/'))
    const answer = await readAll(socket)
    expect(answer)
      .to.match(/^HTTP\/1\.1 400/)
      .and.include(`https://${HOST}/`)
    expect(seen).to.be.empty
    socket.destroy()
  })

  for (const [what, text] of [
    ['says nothing', ''],
    ['stops within its handshake', '\x16\x03\x01'],
  ] as const)
    it(`ends a connection that ${what} when a request head would be late`, async () => {
      await restart({ limits: { headMs: 50 } })
      const { socket } = await connectThrough(proxy.port, authority())
      socket.write(text, 'latin1')
      let said = ''
      socket.on('data', (chunk: Buffer) => (said += chunk.toString())).on('error', () => socket.destroy())
      await until('its connection is gone', async () => (await proxy.connections()) === 0)
      socket.destroy()
      expect(said).not.to.include('HTTP')
      expect(await proxy.metrics()).to.include('outbound_jwt_connections_refused_total{error_type="request_timeout"} 1')
    })

  it('counts and tells of a client that refuses the certificate after the handshake, as Node does', async () => {
    for (let count = 0; count < 3; count++) {
      const error: unknown = await secure({ ca: partners.ca }).catch((reason: unknown) => reason)
      expect(error)
        .to.have.property('code')
        .that.matches(/^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO)/)
    }
    const line = new RegExp(`intercept_refused_total\\{route="${HOST}:\\d+",reason="closed"\\} 3`)
    await until('the refusals are counted', async () => line.test(await proxy.metrics()))
    const told = proxy
      .log()
      .split('\n')
      .filter((text) => text.includes('does not trust the certificate'))
    expect(told).to.have.length(1)
    expect(told[0]).to.include('NODE_EXTRA_CA_CERTS')
  })

  it('does not take a client that leaves after a request for one that refuses', async () => {
    const socket = await secure()
    socket.write(get('/'))
    await once(socket, 'data')
    socket.end()
    await until('the connection is gone', async () => (await proxy.connections()) === 0)
    expect(await proxy.metrics()).not.to.include('outbound_jwt_intercept_refused_total{')
  })

  it('admits as many unfinished handshakes as requests, and answers 503 above', async () => {
    await restart({ limits: { inFlight: 2 } })
    const held = await Promise.all([connectThrough(proxy.port, authority()), connectThrough(proxy.port, authority())])
    const refused = await connectThrough(proxy.port, authority())
    expect(refused.status).to.equal(503)
    for (const { socket } of held) socket.destroy()
    await until('there is room again', async () => (await proxy.connections()) === 0)
    expect(await ask(get('/', authority(), LAST))).to.match(/^HTTP\/1\.1 200/)
  })

  it('ends with the drain what has said nothing', async () => {
    const { socket } = await connectThrough(proxy.port, authority())
    const ended = readAll(socket).finally(() => socket.destroy())
    await Promise.all([proxy.drain(), ended])
  })
})
