import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import type { TestAuthority } from '../../../support/certificates.ts'
import { exchangeBytes, openSocket } from '../../../support/proxy/client.ts'
import { openPodAuthority } from '../../../support/proxy/interception.ts'
import type { TestPodAuthority } from '../../../support/proxy/interception.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy, TestProxyOptions } from '../../../support/proxy/proxy.ts'
import { startRelay } from '../../../support/proxy/relay.ts'
import { TEST_TOKEN } from '../../../support/proxy/tokens.ts'
import { readAll } from '../../../support/proxy/tunnel.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

const HOST = 'api.partner.example'
const PLAIN = 'plain.partner.example'
const LAST = 'Connection: close\r\n'

describe('ports that the names of partners lead to', () => {
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
      await partners.issue([HOST, PLAIN]),
      (incoming, socket) => {
        seen.push(incoming)
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
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
      steered: [80, partner.port],
      routes: [{ hosts: [authority()], https: 'intercept' }, { hosts: [`${PLAIN}:${partner.port}`] }],
      ...options,
    })
  }
  const restart = async (options: TestProxyOptions): Promise<void> => {
    await proxy.close()
    await start(options)
  }
  const authority = (): string => `${HOST}:${partner.port}`
  const plainPort = (): number => proxy.steered(80)
  const tlsPort = (): number => proxy.steered(partner.port)
  const get = (path: string, host: string, fields = LAST): string =>
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`
  const secure = async (options: ConnectionOptions = {}): Promise<TLSSocket> => {
    const socket = connectTls({ port: tlsPort(), host: '127.0.0.1', servername: HOST, ca: pod.anchor, ...options })
    await once(socket, 'secureConnect')
    return socket
  }
  const ask = async (text: string, options?: ConnectionOptions): Promise<string> => {
    const socket = await secure(options)
    socket.write(text)
    return readAll(socket)
  }
  const failure = (options: ConnectionOptions): Promise<unknown> => secure(options).catch((error: unknown) => error)
  const counted = async (result: string): Promise<string | undefined> =>
    (await proxy.metrics())
      .split('\n')
      .find((line) => line.startsWith(`outbound_jwt_steered_connections_total{result="${result}"}`))
      ?.split(' ')[1]

  describe('with TLS', () => {
    it('gives an https:// URL its token, though no CONNECT announced it', async () => {
      expect(await ask(get('/orders?id=1', authority()))).to.match(/^HTTP\/1\.1 200/)
      expect(seen[0]?.headers).to.include({ authorization: `Bearer ${TEST_TOKEN}`, host: authority() })
      expect(seen[0]?.url).to.equal('/orders?id=1')
      expect(await counted('intercepted')).to.equal('1')
    })

    it('takes the server name in any case', async () => {
      const upper = { servername: HOST.toUpperCase(), checkServerIdentity: () => undefined }
      expect(await ask(get('/', authority()), upper)).to.match(/^HTTP\/1\.1 200/)
    })

    it('reads a server name that arrives in pieces', async () => {
      const relay = await startRelay(tlsPort())
      expect(await ask(get('/', authority()), { port: relay.port })).to.match(/^HTTP\/1\.1 200/)
      relay.close()
    })

    it('serves one request after another on one connection', async () => {
      const text = get('/1', authority(), '') + get('/2', authority(), '') + get('/3', authority())
      expect((await ask(text)).match(/HTTP\/1\.1 200/g)).to.have.length(3)
      expect(seen.map(({ url }) => url)).to.deep.equal(['/1', '/2', '/3'])
    })

    it('takes a whole URL of its own host, and hands back a Location as the partner wrote it', async () => {
      expect(await ask(get(`https://${authority()}/moved`, authority()))).to.include(`https://${authority()}/there`)
    })

    for (const [what, text] of [
      ['another Host', get('/', 'other.example')],
      ['the Host of another partner', get('/', PLAIN)],
      ['a whole URL of another host', get('https://other.example/', 'AUTHORITY')],
    ] as const)
      it(`refuses ${what} with 421`, async () => {
        const answer = await ask(text.replaceAll('AUTHORITY', authority()))
        expect(answer)
          .to.match(/^HTTP\/1\.1 421/)
          .and.include('authority_mismatch')
        expect(seen).to.be.empty
      })

    for (const [what, servername] of [
      ['without a server name', ''],
      ['for a host without a route', 'other.example'],
      ['for a host whose route does not intercept', PLAIN],
      ['for a host below a partner', `sub.${HOST}`],
    ] as const)
      it(`ends a handshake ${what}, and says why`, async () => {
        const error = await failure({ servername, checkServerIdentity: () => undefined })
        expect(error)
          .to.have.property('code')
          .that.matches(/UNRECOGNIZED_NAME/)
        expect(await counted('unrecognized_name')).to.equal('1')
        const told = proxy
          .log()
          .split('\n')
          .filter((line) => line.includes('TLS for a host that no route intercepts'))
        expect(told).to.have.length(1)
        expect(told[0]).to.include(`"host":"${servername}"`)
        expect(seen).to.be.empty
      })

    it('tells of unknown names once a minute, and counts each', async () => {
      for (const servername of ['a.example', 'b.example', 'c.example']) await failure({ servername })
      expect(await counted('unrecognized_name')).to.equal('3')
      expect(proxy.log().match(/TLS for a host that no route intercepts/g)).to.have.length(1)
    })

    it('answers plain HTTP with 400 and says which URL to call', async () => {
      const answer = await exchangeBytes(tlsPort(), get('/', HOST))
      expect(answer)
        .to.match(/^HTTP\/1\.1 400/)
        .and.include('https:// URL')
    })

    for (const [what, text] of [
      ['says nothing', ''],
      ['stops within its ClientHello', '\x16\x03\x01\x02\x00\x01'],
    ] as const)
      it(`ends a connection that ${what} when a request head would be late`, async () => {
        await restart({ limits: { headMs: 50 } })
        expect(await exchangeBytes(tlsPort(), text)).to.equal('')
        expect(await proxy.metrics()).to.include('connections_refused_total{error_type="request_timeout"} 1')
      })

    it('counts a client that refuses the certificate', async () => {
      await failure({ ca: partners.ca })
      const line = new RegExp(`intercept_refused_total\\{route="${HOST}:\\d+",reason="closed"\\} 1`)
      await until('the refusal is counted', async () => line.test(await proxy.metrics()))
    })
  })

  describe('with plain HTTP, port 80', () => {
    const send = (text: string): Promise<string> => exchangeBytes(plainPort(), text)

    for (const host of [HOST, PLAIN])
      it(`gives http://${host}/ its token, over TLS to the partner`, async () => {
        expect(await send(get('/orders?id=1', host))).to.match(/^HTTP\/1\.1 200/)
        expect(seen[0]?.headers).to.include({
          authorization: `Bearer ${TEST_TOKEN}`,
          host: `${host}:${partner.port}`,
        })
        expect(seen[0]?.url).to.equal('/orders?id=1')
        expect(await counted('plain')).to.equal('1')
      })

    it('takes a whole URL of the same host, and leads a Location back here', async () => {
      const answer = await send(get(`http://${HOST}/moved`, HOST))
      expect(answer)
        .to.match(/^HTTP\/1\.1 200/)
        .and.include(`http://${HOST}/there`)
    })

    for (const [what, text, hint] of [
      ['a host without a route', get('/', 'other.example'), 'a host of the outbound-jwt.io/hosts'],
      ['another port', get('/', `${HOST}:8080`), 'another port'],
      ['a whole URL of another host', get(`http://other.example/`, HOST), 'no route has'],
      ['a whole URL that is not what Host says', get(`http://${HOST}/`, PLAIN), 'authority_mismatch'],
      ['an IPv4 address', get('/', '127.0.0.1'), 'Call the partner by its name'],
      ['an IPv6 address', get('/', '[::1]'), 'Call the partner by its name'],
    ] as const)
      it(`refuses ${what} with 421`, async () => {
        const answer = await send(text)
        expect(answer)
          .to.match(/^HTTP\/1\.1 421/)
          .and.include(hint)
        expect(seen).to.be.empty
      })

    it('refuses a request that names no host, and CONNECT, with 400', async () => {
      expect(await send('GET / HTTP/1.0\r\n\r\n'))
        .to.match(/^HTTP\/1\.1 400/)
        .and.include('Send a Host field')
      expect(await send(`CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`)).to.match(/^HTTP\/1\.1 400/)
      expect(await send('\x16\x03\x01\x00\x05hello')).to.match(/^HTTP\/1\.1 400/)
      expect(seen).to.be.empty
    })

    it('answers a client that has said everything, FIN included', async () => {
      const socket = await openSocket(plainPort())
      socket.end(get('/', HOST))
      expect(await readAll(socket)).to.match(/^HTTP\/1\.1 200/)
    })

    it('ends a request head that is late', async () => {
      await restart({ limits: { headMs: 50 } })
      expect(await send('GET / HTTP/1.1\r\n')).to.match(/^HTTP\/1\.1 408/)
    })
  })

  for (const [what, open, host] of [
    ['TLS', () => secure(), authority],
    ['plain HTTP', () => openSocket(plainPort()), () => HOST],
  ] as const)
    it(`passes another protocol on over ${what} after the partner has agreed`, async () => {
      const socket: Socket = await open()
      socket.write(get('/socket', host(), 'Connection: Upgrade\r\nUpgrade: echo\r\n'))
      let heard = ''
      socket.on('data', (chunk: Buffer) => (heard += chunk.toString()))
      await until('the partner agrees', () => heard.startsWith('HTTP/1.1 101'))
      expect(seen[0]?.headers).to.include({ authorization: `Bearer ${TEST_TOKEN}` })
      socket.write('ping')
      await until('the echo is back', () => heard.endsWith('ping'))
      socket.destroy()
    })

  it('admits as many connections as the data port, over all ports together', async () => {
    await restart({ limits: { clientSockets: 2 } })
    const held = [await openSocket(plainPort()), await secure()]
    expect(await exchangeBytes(plainPort(), get('/', HOST))).to.equal('')
    expect(await exchangeBytes(tlsPort(), '')).to.equal('')
    expect(await proxy.metrics()).to.include('connections_refused_total{error_type="overloaded"} 2')
    for (const socket of held) socket.destroy()
    await until('there is room again', async () =>
      (await exchangeBytes(plainPort(), get('/', HOST))).startsWith('HTTP/1.1 200'),
    )
  })

  it('admits as many unfinished handshakes as requests', async () => {
    await restart({ limits: { inFlight: 2 } })
    const held = [await openSocket(tlsPort()), await openSocket(tlsPort())]
    expect(await exchangeBytes(tlsPort(), '')).to.equal('')
    for (const socket of held) socket.destroy()
    await until('there is room again', async () => {
      const error = await ask(get('/', authority())).catch((reason: unknown) => reason)
      return !(error instanceof Error)
    })
  })

  it('ends with the drain what says nothing, finishes what is under way, and then takes no more', async () => {
    let release: (() => void) | undefined
    const slow = await startUpstream((_, reply) => (release = () => reply.end('late')), await partners.issue([HOST]))
    await restart({ routes: [{ hosts: [`${HOST}:${slow.port}`], https: 'intercept' }], steered: [80, slow.port] })
    const silent = [await openSocket(plainPort()), await openSocket(proxy.steered(slow.port))]
    const busy = await openSocket(plainPort())
    busy.write(get('/', HOST, ''))
    await until('the request is with the partner', () => release !== undefined)
    const drained = proxy.drain()
    await Promise.all(silent.map((socket) => once(socket, 'close')))
    release?.()
    const answer = await readAll(busy)
    expect(answer)
      .to.match(/^HTTP\/1\.1 200/)
      .and.match(/late$/)
    await drained
    await slow.close()
  })
})
