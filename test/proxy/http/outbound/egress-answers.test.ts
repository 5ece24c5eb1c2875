import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { ERRORS } from '../../../../proxy/src/errors.ts'
import type { ErrorCode } from '../../../../proxy/src/errors.ts'
import { readConfig } from '../../../../proxy/src/config.ts'
import { LIMITS } from '../../../../proxy/src/http/limits.ts'
import { createMemoryBudget } from '../../../../proxy/src/http/memory.ts'
import { createUpstreams } from '../../../../proxy/src/proxy.ts'
import { createTestAuthority } from '../../../support/certificates.ts'
import { freePort } from '../../../support/port.ts'
import { call, errorOf, open } from '../../../support/proxy/client.ts'
import type { Answer } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy, TestProxyOptions } from '../../../support/proxy/proxy.ts'
import { TEST_TOKEN } from '../../../support/proxy/tokens.ts'
import { connectThrough, readAll } from '../../../support/proxy/tunnel.ts'
import { observe, startRawUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

const PARTNER = 'api.partner.example'
const PASSWORD = 'correct-horse-battery'
const CREDENTIALS = `orders:${PASSWORD}`
const ENCODED = Buffer.from(CREDENTIALS).toString('base64')

describe('what an egress proxy answers', () => {
  let egress: Upstream | undefined
  let proxy: TestProxy | undefined
  /** Everything that it was sent. */
  let heard: string
  beforeEach(() => {
    heard = ''
    egress = undefined
    proxy = undefined
  })
  afterEach(async () => {
    await proxy?.close()
    await egress?.close()
  })

  /** Starts an egress proxy of a few lines, and a proxy that goes by it. */
  async function start(onHead: (socket: Socket) => void, options: TestProxyOptions = {}): Promise<void> {
    egress = await startRawUpstream((socket) => {
      socket.on('data', (chunk: Buffer) => {
        const before = heard
        heard += chunk.toString('latin1')
        if (!before.includes('\r\n\r\n') && heard.includes('\r\n\r\n')) onHead(socket)
      })
    })
    await startProxy(`http://127.0.0.1:${egress.port}`, options)
  }

  async function startProxy(url: string, options: TestProxyOptions = {}): Promise<void> {
    proxy = await startTestProxy({
      settings: { EGRESS_PROXY: url },
      routes: [{ hosts: [PARTNER] }],
      addresses: {},
      egressCredentials: () => CREDENTIALS,
      ...options,
    })
  }

  const send = (url = `http://${PARTNER}/secret-path`): Promise<Answer> => call((proxy as TestProxy).port, url)

  const rows: readonly (readonly [what: string, head: string, code: ErrorCode, message: RegExp])[] = [
    ['403', 'HTTP/1.1 403 Forbidden\r\n\r\n', 'egress_proxy_denied', /answers 403 \(Forbidden\)\.$/],
    ['404', 'HTTP/1.1 404 Not Found\r\n\r\n', 'egress_proxy_denied', /answers 404/],
    ['405', 'HTTP/1.1 405 Method Not Allowed\r\n\r\n', 'egress_proxy_denied', /answers 405/],
    [
      '407 for Negotiate alone',
      'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\n\r\n',
      'egress_proxy_unauthenticated',
      /answers 407 .* to the user name and password that it was sent, and does not offer Basic authentication\.$/,
    ],
    [
      '407 with a body on a connection that it keeps',
      'HTTP/1.1 407 Nope\r\nProxy-Authenticate: Basic realm="x"\r\nConnection: keep-alive\r\nContent-Length: 100000\r\n\r\n<html>',
      'egress_proxy_unauthenticated',
      /answers 407 \(Nope\) to the user name and password that it was sent\.$/,
    ],
    ['429', 'HTTP/1.1 429 Too Many Requests\r\n\r\n', 'egress_proxy_failed', /answers 429/],
    ['302', 'HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\n\r\n', 'egress_proxy_failed', /answers 302/],
    ['502', 'HTTP/1.1 502 Bad Gateway\r\n\r\n', 'egress_proxy_failed', /answers 502/],
    [
      "503 with squid's reason",
      'HTTP/1.1 503 Service Unavailable\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\n\r\n',
      'egress_proxy_failed',
      /answers 503 \(Service Unavailable, ERR_DNS_FAIL\)\.$/,
    ],
    ['504', 'HTTP/1.1 504 Gateway Timeout\r\n\r\n', 'egress_proxy_failed', /answers 504/],
    ['what is not HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', 'egress_proxy_failed', /not HTTP/],
    ['a head without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}`, 'egress_proxy_failed', /not HTTP/],
  ]
  for (const [what, head, code, message] of rows)
    it(`is told apart: ${what}`, async () => {
      await start((socket) => socket.write(head))
      const answer = await send()
      expect(errorOf(answer).code).to.equal(code)
      expect(answer.status).to.equal(ERRORS[code].status)
      expect(errorOf(answer).message).to.match(message).and.include(`http://127.0.0.1:${egress?.port}`)
      expect(heard).to.equal(
        `CONNECT ${PARTNER}:443 HTTP/1.1\r\nHost: ${PARTNER}:443\r\nConnection: keep-alive\r\nProxy-Authorization: Basic ${ENCODED}\r\n\r\n`,
      )
      await until('the connection is closed', () => egress?.sockets.size === 0)
    })

  it('is cut, and has no credentials in it even when they come back', async () => {
    const echo = `HTTP/1.1 403 Not ${CREDENTIALS} nor ${ENCODED} nor ${PASSWORD} ${'x'.repeat(500)}\r\n\r\n`
    await start((socket) => socket.write(echo))
    const answer = await send()
    expect(errorOf(answer).message.length).to.be.below(250)
    for (const secret of [PASSWORD, ENCODED]) expect(answer.body + (proxy as TestProxy).log()).not.to.include(secret)
    expect(errorOf(answer).message).to.include('[redacted]')
  })

  it('comes before anything of a request is sent, and before TLS begins', async () => {
    await start(() => undefined, { limits: { connectMs: 300 } })
    const answer = await send()
    expect(errorOf(answer).code).to.equal('egress_proxy_timeout')
    expect(answer.status).to.equal(504)
    expect(heard).not.to.include('secret-path').and.not.include(TEST_TOKEN)
    expect(heard.endsWith('\r\n\r\n')).to.equal(true)
    await until('the connection is closed', () => egress?.sockets.size === 0)
  })

  it('may be nothing at all', async () => {
    await start((socket) => socket.end())
    expect(errorOf(await send()).code).to.equal('egress_proxy_failed')
  })

  for (const [what, answer, said] of [
    ['CONNECT', '', /\r\n\r\n$/],
    ['TLS behind it', 'HTTP/1.1 200 OK\r\n\r\n', /\r\n\r\n./s],
  ] as const)
    it(`is not waited for when the client of a request has gone: ${what}`, async () => {
      await start((socket) => socket.write(answer))
      const outgoing = open((proxy as TestProxy).port, `http://${PARTNER}/`)
      outgoing.on('error', () => undefined).end()
      await until('it is asked', () => said.test(heard))
      outgoing.destroy()
      await until('the attempt is given up', () => egress?.sockets.size === 0, LIMITS.connectMs / 2)
    })

  it('is not waited for when the client of a tunnel has gone', async () => {
    await start(() => undefined)
    const client = connect((proxy as TestProxy).port, '127.0.0.1')
    client.write('CONNECT other.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n')
    await until('there is a tunnel on its way', () => egress?.sockets.size === 1)
    // One that has only said its last word would still listen.
    client.resetAndDestroy()
    await until('it is given up', () => egress?.sockets.size === 0, LIMITS.connectMs / 2)
  })

  it('is a refusal for tunnels, too', async () => {
    await start((socket) => socket.write('HTTP/1.1 403 Forbidden\r\n\r\n'))
    const { status, headers, body } = await connectThrough((proxy as TestProxy).port, 'other.example:443')
    expect([status, headers['x-outbound-jwt-error']]).to.deep.equal([502, 'egress_proxy_denied'])
    expect(errorOf({ body }).host).to.equal('other.example')
  })

  it('may be followed by the first words of the host in the same packet', async () => {
    await start((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n220 ready\r\n'))
    const { status, socket } = await connectThrough((proxy as TestProxy).port, 'other.example:25')
    expect(status).to.equal(200)
    expect(await readAll(socket)).to.equal('220 ready\r\n')
    socket.destroy()
  })

  it('goes to the client when it is about a request without TLS, but for 407', async () => {
    await start((socket) => socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'))
    const answer = await send('http://other.example/x')
    expect([answer.status, answer.body]).to.deep.equal([403, 'no'])
    expect(heard).to.match(/^GET http:\/\/other\.example\/x HTTP\/1\.1\r\n/)
    expect(heard).to.include(`Proxy-Authorization: Basic ${ENCODED}\r\n`)
  })

  it('is never asked about loopback, credential addresses and what is excepted', async () => {
    await start((socket) => socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'), {
      settings: { EGRESS_PROXY: 'http://127.0.0.1:9', EGRESS_NO_PROXY: '.direct.example' },
      addresses: { 'x.direct.example': ['127.0.0.1'] },
    })
    const port = egress?.port ?? 0
    for (const host of ['x.direct.example', '127.0.0.1']) {
      const answer = await send(`http://${host}:${port}/`)
      expect(answer.status, host).to.equal(403)
      heard = ''
    }
    expect(errorOf(await send('http://169.254.169.254/latest/')).code).to.equal('address_denied')
  })

  it('cannot come when nobody listens', async () => {
    await startProxy(`http://127.0.0.1:${await freePort()}`)
    const answer = await send()
    expect(errorOf(answer).code).to.equal('egress_proxy_unreachable')
    expect(errorOf(answer).message).to.include('ECONNREFUSED')
  })

  it('cannot come when its name does not resolve, or only to where credentials are', async () => {
    await startProxy('http://squid.corp.example:3128', { addresses: {} })
    expect(errorOf(await send()).message).to.include('does not resolve (ENOTFOUND)')
    await proxy?.close()
    await startProxy('http://squid.corp.example:3128', { addresses: { 'squid.corp.example': ['169.254.169.254'] } })
    expect(errorOf(await send()).message).to.include('has only addresses that are never connected to')
    await proxy?.close()
    await startProxy('http://169.254.169.254:3128')
    expect(errorOf(await send()).code).to.equal('egress_proxy_unreachable')
  })

  it('cannot come when its name leads back to the sidecar itself', async () => {
    for (const address of ['127.0.0.1', '::1', '10.1.2.3', 'fd00::3']) {
      const upstreams = createUpstreams({
        config: readConfig({ EGRESS_PROXY: 'http://squid.corp.example:15400' }),
        anchors: { common: undefined, byFile: new Map() },
        clientCertificates: new Map(),
        limits: LIMITS,
        memory: createMemoryBudget(0),
        resolve: (_host, _options, done) => done(null, [{ address, family: address.includes(':') ? 6 : 4 }]),
        ownPorts: [15400],
        ownAddresses: ['10.1.2.3', 'fd00::3'],
      })
      const refusal = await upstreams.reachEgress().catch((error: unknown) => error)
      expect(refusal)
        .to.include({ code: 'egress_proxy_unreachable' })
        .with.property('message')
        .that.includes('never connected to')
    }
  })

  it('is not believed when its certificate does not verify', async () => {
    const authority = await createTestAuthority()
    const server = createTlsServer(await authority.issue(['127.0.0.1']))
    server.on('tlsClientError', () => undefined)
    egress = await observe(server)
    await startProxy(`https://127.0.0.1:${egress.port}`)
    const answer = await send()
    expect(errorOf(answer).code).to.equal('egress_proxy_tls_failed')
    expect(errorOf(answer).message).to.match(/failed in TLS \([A-Z_]+\)/)
  })

  it('has no TLS where the URL says https:// of a proxy that speaks none', async () => {
    egress = await startRawUpstream((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await startProxy(`https://127.0.0.1:${egress.port}`)
    expect(errorOf(await send()).code).to.equal('egress_proxy_tls_failed')
  })
})
