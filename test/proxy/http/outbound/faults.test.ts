import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import { call, errorOf, exchangeBytes, open, read, response } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { TEST_TOKEN } from '../../../support/proxy/tokens.ts'
import { startRawUpstream, startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'

const HEAD = 'HTTP/1.1 200 OK\r\n'

describe('partners that fail', () => {
  let proxy: TestProxy
  let upstream: Upstream | undefined
  beforeEach(async () => {
    proxy = await startTestProxy({
      settings: { UPSTREAM_TIMEOUT: '1s' },
      limits: { connectMs: 300, unruledMs: 1_000 },
    })
  })
  afterEach(async () => {
    await Promise.all([proxy.close(), upstream?.close()])
    upstream = undefined
  })
  /** Says these bytes once the request is there, then ends, resets, or keeps the connection. */
  const saying = (bytes: string, then: 'end' | 'reset' | 'keep' = 'end'): Promise<string> =>
    answering((socket) =>
      socket.write(Buffer.from(bytes, 'latin1'), () => {
        if (then === 'end') socket.end()
        // A reset overtakes bytes that were not read; they must be there first.
        if (then === 'reset') setTimeout(() => socket.resetAndDestroy(), 20)
      }),
    )
  const answering = async (answer: (socket: Socket) => unknown): Promise<string> => {
    upstream = await startRawUpstream((socket) => socket.once('data', () => answer(socket)))
    return `http://x.example:${upstream.port}/`
  }

  const before: readonly (readonly [name: string, answer: (socket: Socket) => unknown, code: string])[] = [
    ['ends the connection without a word', (socket) => socket.end(), 'upstream_reset'],
    ['resets it without a word', (socket) => socket.resetAndDestroy(), 'upstream_reset'],
    ['ends it within the status line', (socket) => socket.end('HTTP/1.1 2'), 'upstream_reset'],
    ['ends it within the head', (socket) => socket.end(`${HEAD}X: `), 'upstream_reset'],
    ['does not speak HTTP', (socket) => socket.end('220 ready\r\n'), 'upstream_invalid_response'],
    ['speaks HTTP/2', (socket) => socket.end('\0\0\x12\x04\0\0\0\0\0'), 'upstream_invalid_response'],
    ['stays silent', () => undefined, 'upstream_timeout'],
    ['stops within the head', (socket) => socket.write(HEAD), 'upstream_timeout'],
  ]
  for (const [name, answer, code] of before)
    it(`answers ${code} when one ${name}`, async () => {
      const failed = await call(proxy.port, await answering(answer))
      expect(errorOf(failed)).to.include({ code, host: 'x.example' })
      expect(failed.status).to.equal(code === 'upstream_timeout' ? 504 : 502)
    })

  it('skips each 100 that nobody asked for, and keeps the connection', async () => {
    let requests = 0
    upstream = await startRawUpstream((socket) =>
      socket.on('data', () => {
        requests++
        socket.write('HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 100 Cont')
        setImmediate(() => socket.write(`inue\r\nContent-Length: 4\r\n\r\n${HEAD}Content-Length: 2\r\n\r\nok`))
      }),
    )
    for (const method of ['POST', 'GET', 'HEAD']) {
      const answer = await call(proxy.port, `http://x.example:${upstream.port}/`, { method })
      expect([answer.status, answer.body]).to.deep.equal([200, method === 'HEAD' ? '' : 'ok'])
    }
    expect([requests, upstream.accepted()]).to.deep.equal([3, 1])
  })

  const heads: readonly (readonly [name: string, bytes: string, reason: string])[] = [
    [
      'both framings',
      `${HEAD}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n`,
      'its length',
    ],
    ['two lengths', `${HEAD}Content-Length: 2\r\nContent-Length: 4\r\n\r\nabcd`, 'its length'],
    ['a length that is none', `${HEAD}Content-Length: 0x2\r\n\r\nab`, 'Invalid character in Content-Length'],
    ['a folded field', `${HEAD}X: a\r\n b\r\nContent-Length: 2\r\n\r\nab`, 'whitespace after header value'],
    ['line feeds alone', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nab', 'Missing expected CR'],
    ['a NUL in a value', `${HEAD}X: a\0b\r\nContent-Length: 2\r\n\r\nab`, 'Invalid header value char'],
    ['a control character in a value', `${HEAD}X: a\x01b\r\nContent-Length: 2\r\n\r\nab`, 'Invalid header value char'],
    ['a name that is none', `${HEAD}X Y: a\r\nContent-Length: 2\r\n\r\nab`, 'Invalid header token'],
    ['a blank before the colon', `${HEAD}X : a\r\nContent-Length: 2\r\n\r\nab`, 'Invalid header token'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nab', 'Invalid status code'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nab', 'Invalid response status'],
    ['status 099', 'HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nab', 'its status'],
    ['a head beyond the limit', `${HEAD}X: ${'a'.repeat(70_000)}\r\n\r\n`, '64 KiB'],
    [
      'an upgrade nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      'an upgrade',
    ],
    [
      'a coding below chunked',
      `${HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n`,
      'coding other than',
    ],
  ]
  for (const [name, bytes, reason] of heads)
    it(`answers upstream_invalid_response for ${name}`, async () => {
      const failed = await call(proxy.port, await saying(bytes))
      expect(failed.status).to.equal(502)
      expect(errorOf(failed)).to.include({ code: 'upstream_invalid_response', retryable: false })
      expect(errorOf(failed).message).to.include(reason)
      expect(upstream?.accepted()).to.equal(1)
    })

  const broken: readonly (readonly [name: string, bytes: string, then?: 'reset' | 'keep'])[] = [
    ['ends within a known length', `${HEAD}Content-Length: 10\r\n\r\nhalf`],
    ['resets within a known length', `${HEAD}Content-Length: 10\r\n\r\nhalf`, 'reset'],
    ['ends within a large body', `${HEAD}Content-Length: 200000\r\n\r\n${'a'.repeat(100_000)}`],
    ['ends before the last chunk', `${HEAD}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`],
    ['resets before the last chunk', `${HEAD}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`, 'reset'],
    ['ends within a chunk', `${HEAD}Transfer-Encoding: chunked\r\n\r\n8\r\nhalf`],
    ['sends a chunk size that is none', `${HEAD}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n`],
    ['resets a body that ends with its connection', `${HEAD}\r\nhalf`, 'reset'],
    ['falls silent within the body', `${HEAD}Content-Length: 10\r\n\r\nhalf`, 'keep'],
  ]
  for (const [name, bytes, then] of broken)
    it(`breaks the client's connection when one ${name}`, async () => {
      const outgoing = open(proxy.port, await saying(bytes, then))
      outgoing.end()
      const incoming = await response(outgoing)
      const error: unknown = await read(incoming).catch((reason: unknown) => reason)
      expect(error).to.have.property('code', 'ECONNRESET')
      expect(incoming.complete).to.equal(false)
    })

  it('hands over a body that ends with its connection', async () => {
    expect((await call(proxy.port, await saying(`${HEAD}\r\nwhole`))).body).to.equal('whole')
  })

  it('hands over what is odd but certain', async () => {
    const text = await exchangeBytes(
      proxy.port,
      `GET ${await saying('HTTP/1.1 799 \xe4\x7f\r\nx-EMPTY:\r\nContent-Length: 2\r\n\r\nab')} HTTP/1.1\r\nConnection: close\r\n\r\n`,
    )
    expect(text).to.match(/^HTTP\/1\.1 799 .*\r\nx-EMPTY: \r\nContent-Length: 2\r\nConnection: close\r\n\r\nab$/)
  })

  it('never takes what a partner says too much for the answer to another request', async () => {
    const bytes = `${HEAD}Content-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`
    const url = await saying(bytes, 'keep')
    for (let index = 0; index < 5; index++) expect((await call(proxy.port, url)).body).to.equal('ab')
  })

  it('says what is wrong with a connection that cannot be made', async () => {
    const gone = await startRawUpstream(() => undefined)
    await gone.close()
    const refused = await call(proxy.port, `http://x.example:${gone.port}/`)
    expect([refused.status, errorOf(refused).code]).to.deep.equal([502, 'upstream_connect_failed'])
    expect(refused.body).to.include('ECONNREFUSED')
  })
})

describe('partners that cannot be verified', () => {
  const HOST = 'api.partner.example'
  let proxy: TestProxy
  let upstream: Upstream
  afterEach(() => Promise.all([proxy.close(), upstream.close()]))

  async function attempt(
    names: readonly string[],
    options: { trusted?: boolean; notAfter?: Date } = {},
  ): Promise<void> {
    const { trusted = true, notAfter } = options
    const authority = await createTestAuthority()
    const pair = await authority.issue(names, notAfter && { notAfter })
    upstream = await startUpstream(() => expect.fail('called without a verified certificate'), pair)
    const { ca } = trusted ? authority : await createTestAuthority('another')
    proxy = await startTestProxy({ ca, routes: [{ hosts: [`${HOST}:${upstream.port}`] }] })
    const failed = await call(proxy.port, `http://${HOST}/`)
    expect([failed.status, errorOf(failed).code]).to.deep.equal([502, 'upstream_tls_failed'])
    expect(failed.body).not.to.include(TEST_TOKEN)
  }

  it('are refused under another name', () => attempt(['other.example']))
  it('are refused with an unknown authority', () => attempt([HOST], { trusted: false }))
  it('are refused when expired', () => attempt([HOST], { notAfter: new Date(Date.now() - 1000) }))

  it('are refused when they do not speak TLS', async () => {
    upstream = await startRawUpstream((socket) => {
      socket.once('data', (bytes: Buffer) => {
        expect(bytes.toString('latin1')).not.to.include(TEST_TOKEN)
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      })
    })
    proxy = await startTestProxy({ routes: [{ hosts: [`${HOST}:${upstream.port}`] }] })
    const failed = await call(proxy.port, `http://${HOST}/`)
    expect(errorOf(failed).code).to.equal('upstream_tls_failed')
  })

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    it(`are not asked again when they want a client certificate (${version})`, async () => {
      const authority = await createTestAuthority()
      const pair = await authority.issue([HOST])
      const tls = { ...pair, ca: authority.ca, requestCert: true, maxVersion: version }
      upstream = await startUpstream(() => expect.fail('called without a client certificate'), tls)
      proxy = await startTestProxy({ ca: authority.ca, routes: [{ hosts: [`${HOST}:${upstream.port}`] }] })
      const failed = await call(proxy.port, `http://${HOST}/`)
      expect(errorOf(failed)).to.include({ code: 'upstream_tls_failed', retryable: false })
      expect(failed.body).to.match(/client certificate[^"]*\(TLS alert: (certificate required|handshake failure)\)/)
      expect(failed.headers['proxy-status']).to.include('error=tls_alert_received')
      expect(upstream.accepted()).to.equal(1)
    })

  it('are given up when their handshake stalls', async () => {
    upstream = await startRawUpstream((socket) => void socket.resume())
    proxy = await startTestProxy({ routes: [{ hosts: [`${HOST}:${upstream.port}`] }], limits: { connectMs: 200 } })
    const failed = await call(proxy.port, `http://${HOST}/`)
    expect(errorOf(failed).code).to.equal('upstream_connect_failed')
    await Promise.all([...upstream.sockets].map((socket) => once(socket, 'close')))
  })
})
