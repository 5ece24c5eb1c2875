import { once } from 'node:events'
import { request } from 'node:https'
import { connect } from 'node:tls'
import type { PeerCertificate } from 'node:tls'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import type { KeyPair, TestAuthority } from '../../support/certificates.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import type { Answer } from '../../support/proxy/client.ts'
import { exchangeBytes, read, response } from '../../support/proxy/client.ts'
import type { TestProxy } from '../../support/proxy/proxy.ts'
import { startTestProxy } from '../../support/proxy/proxy.ts'
import { TEST_TOKEN } from '../../support/proxy/tokens.ts'
import { startUpstream } from '../../support/proxy/upstream.ts'
import type { Upstream } from '../../support/proxy/upstream.ts'
import { until } from '../../support/until.ts'

const UPSTREAM = 'api.partner.example'

describe('a listener that speaks TLS', () => {
  let authority: TestAuthority
  let upstream: Upstream
  let proxy: TestProxy
  before(async () => {
    authority = await createTestAuthority()
    upstream = await startUpstream(
      (incoming, outgoing) => outgoing.end(incoming.headers.authorization),
      await authority.issue([UPSTREAM]),
    )
    proxy = await startTestProxy({
      settings: { UPSTREAM_HOST: `${UPSTREAM}:${upstream.port}` },
      certificate: await authority.issue(['proxy.example']),
      ca: authority.ca,
      limits: { headMs: 200 },
    })
  })
  after(async () => {
    await proxy.close()
    await upstream.close()
  })

  async function get(path: string, servername = 'proxy.example'): Promise<Answer> {
    const outgoing = request({ host: '127.0.0.1', port: proxy.port, path, ca: authority.ca, servername, agent: false })
    outgoing.end()
    return read(await response(outgoing))
  }

  async function served(options: { maxVersion?: 'TLSv1.1'; ca?: string } = {}): Promise<PeerCertificate> {
    const socket = connect({
      host: '127.0.0.1',
      port: proxy.port,
      servername: 'proxy.example',
      ca: authority.ca,
      ...options,
    })
    try {
      await once(socket, 'secureConnect')
      return socket.getPeerCertificate()
    } finally {
      socket.destroy()
    }
  }

  it('serves requests like any other', async () => {
    expect(await get('/orders')).to.include({ status: 200, body: `Bearer ${TEST_TOKEN}` })
  })

  it('refuses what is older than TLS 1.2', async () => {
    const failure = await served({ maxVersion: 'TLSv1.1' }).catch((error: unknown) => error)
    expect(failure).to.be.instanceOf(Error)
  })

  it('closes a connection that speaks plain HTTP, and counts it', async () => {
    expect(await exchangeBytes(proxy.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).to.equal('')
    expect(await proxy.metrics()).to.match(
      /outbound_jwt_connections_refused_total\{error_type="malformed_request"\} [1-9]/,
    )
    expect(proxy.log()).to.contain('ERR_SSL_HTTP_REQUEST')
  })

  it('closes a connection whose handshake does not come', async () => {
    expect(await exchangeBytes(proxy.port, '')).to.equal('')
    await until('no connection is left', async () => (await proxy.connections()) === 0)
  })

  it('serves another certificate to connections to come, while the others go on', async () => {
    const socket = connect({ host: '127.0.0.1', port: proxy.port, servername: 'proxy.example', ca: authority.ca })
    await once(socket, 'secureConnect')
    const renewed: KeyPair = await authority.issue(['proxy.example', 'renewed.example'])
    proxy.installCertificate(renewed)
    expect((await served()).subjectaltname).to.contain('renewed.example')
    socket.write('GET /old HTTP/1.1\r\nConnection: close\r\n\r\n')
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    await once(socket, 'close')
    expect(text).to.match(/^HTTP\/1\.1 200 OK\r\n/)
  })

  it('serves plain requests inside of a tunnel', async () => {
    const socket = connect({ host: '127.0.0.1', port: proxy.port, servername: 'proxy.example', ca: authority.ca })
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.write(`CONNECT ${UPSTREAM}:80 HTTP/1.1\r\n\r\n`)
    await until('the tunnel', () => text.startsWith('HTTP/1.1 200'))
    socket.write(`GET /inside HTTP/1.1\r\nHost: ${UPSTREAM}\r\nConnection: close\r\n\r\n`)
    await once(socket, 'close')
    expect(text).to.contain(`Bearer ${TEST_TOKEN}`)
  })

  it('drains', async () => {
    const { connections } = proxy
    await proxy.drain()
    expect(await connections()).to.equal(0)
    expect(await served().catch((error: unknown) => (error as { code?: string }).code)).to.equal('ECONNREFUSED')
  })
})
