import { expect } from 'chai'
import { once } from 'node:events'
import { createServer as createTlsServer } from 'node:tls'
import { createSecureServer } from 'node:http2'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { Server } from 'node:net'
import { PassThrough } from 'node:stream'
import type { AddressInfo } from 'node:net'
import { createTestAuthority } from '../../../support/certificates.ts'
import type { KeyPair, TestAuthority } from '../../../support/certificates.ts'
import { Http2Partner } from '../../../support/proxy/http2-partner.ts'
import { until } from '../../../support/until.ts'

describe('the HTTP/2 side towards partners', () => {
  let authority: TestAuthority
  let pair: KeyPair
  const partners: Http2Partner[] = []

  before(async () => {
    authority = await createTestAuthority()
    pair = await authority.issue(['partner.example'])
  })
  afterEach(async () => {
    for (const partner of partners.splice(0)) await partner.close()
  })

  it('sends method, path, authority and fields of a request, and hands back status, fields, body and trailers', async () => {
    const partner = await start((stream, headers) => {
      stream.respond(
        { ':status': 201, 'x-seen': `${String(headers[':method'])} ${String(headers[':path'])}` },
        { waitForTrailers: true },
      )
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end(
        JSON.stringify([headers[':authority'], headers[':scheme'], headers['x-name'], headers['authorization']]),
      )
    })
    const answer = await partner.call({
      method: 'PUT',
      path: '/a?b',
      headers: ['X-Name', 'v', 'Authorization', 'Bearer t'],
    })
    expect(answer.status).to.equal(201)
    expect(answer.headers).to.include.members(['x-seen', 'PUT /a?b'])
    expect(JSON.parse(answer.body)).to.deep.equal([`partner.example:${partner.port}`, 'https', 'v', 'Bearer t'])
    expect(answer.trailers).to.deep.equal(['grpc-status', '0'])
  })

  it('opens one connection for fifty requests at once', async () => {
    const partner = await start(answerLate)
    const answers = await Promise.all(Array.from({ length: 50 }, () => partner.call({})))
    expect(answers.map(({ status }) => status)).to.deep.equal(Array.from({ length: 50 }, () => 200))
    expect(partner.accepted()).to.equal(1)
  })

  it('opens another connection when the partner allows no more streams on the first', async () => {
    const partner = await start(answerLate, { maxConcurrentStreams: 2 })
    const answers = await Promise.all(Array.from({ length: 5 }, () => partner.call({})))
    expect(answers.every(({ status }) => status === 200)).to.equal(true)
    expect(partner.accepted()).to.equal(3)
  })

  it('carries a conversation: both sides send while neither has ended', async () => {
    const partner = await start((stream) => {
      stream.respond({ ':status': 200 })
      stream.on('data', (chunk: Buffer) => stream.write(chunk.toString().toUpperCase()))
      stream.on('end', () => stream.end('!'))
    })
    const body = new PassThrough()
    const call = partner.start({ method: 'POST', body })
    for (const word of ['one', 'two', 'three']) {
      body.write(word)
      await until('the word to come back', () => call.answer.body.endsWith(word.toUpperCase()))
    }
    body.end()
    expect((await call.done).body).to.equal('ONETWOTHREE!')
  })

  it('sends a refused stream once more, with the body that has gone out already', async () => {
    let refusals = 0
    const partner = await start((stream) => {
      if (refusals++ === 0) {
        stream.close(7)
        return
      }
      stream.respond({ ':status': 200 })
      stream.pipe(stream)
    })
    const body = new PassThrough()
    const call = partner.start({ method: 'POST', body })
    body.write('before ')
    await until('the second stream', () => refusals === 2)
    body.end('after')
    expect((await call.done).body).to.equal('before after')
    expect(partner.retries).to.equal(1)
  })

  it('sends a stream above the last of a GOAWAY once more, on another connection', async () => {
    let streams = 0
    const partner = await start((stream) => {
      if (++streams === 2) {
        stream.session?.goaway(0, 1)
        return
      }
      stream.respond({ ':status': 200 })
      stream.pipe(stream)
    })
    expect((await partner.call({})).status).to.equal(200)
    const answer = await partner.call({ method: 'POST', body: Buffer.from('again') })
    expect(answer).to.include({ status: 200, body: 'again' })
    expect([partner.retries, partner.accepted()]).to.deep.equal([1, 2])
  })

  it('does not send a refused stream again of whose body more than 64 KiB are gone', async () => {
    let received = 0
    let refuse: (() => void) | undefined
    const partner = await start((stream) => {
      refuse = () => stream.close(7)
      stream.on('data', (chunk: Buffer) => (received += chunk.length))
    })
    const body = new PassThrough()
    const call = partner.start({ method: 'POST', body })
    body.write(Buffer.alloc(80 * 1024))
    await until('the body to arrive', () => received === 80 * 1024)
    refuse?.()
    expect((await call.done).error?.code).to.equal('upstream_reset')
    expect(partner.retries).to.equal(0)
  })

  it('does not send a refused stream a third time', async () => {
    let refusals = 0
    const partner = await start((stream) => {
      refusals++
      stream.close(7)
    })
    expect((await partner.call({})).error?.code).to.equal('upstream_reset')
    expect(refusals).to.equal(2)
  })

  it('does not send a request again that the partner has reset with another code', async () => {
    let seen = 0
    const partner = await start((stream) => {
      seen++
      stream.close(2)
    })
    expect((await partner.call({ method: 'POST' })).error?.code).to.equal('upstream_reset')
    expect(seen).to.equal(1)
  })

  for (const [what, cut] of [
    ['is reset', (stream: ServerHttp2Stream) => stream.destroy(new Error('broken'))],
    ['loses its connection', (stream: ServerHttp2Stream) => stream.session?.destroy()],
  ] as const)
    it(`never takes a response for whole that ${what}`, async () => {
      const partner = await start((stream) => {
        stream.respond({ ':status': 200 })
        stream.write('half')
        setTimeout(() => cut(stream), 20)
      })
      const answer = await partner.call({})
      expect(answer.error?.code).to.equal('upstream_reset')
      expect(answer.trailers).to.equal(undefined)
    })

  it('never takes a response for whole that is shorter than its Content-Length', async () => {
    const partner = await start((stream) => {
      stream.respond({ ':status': 200, 'content-length': 10 })
      stream.end('half')
    })
    expect((await partner.call({})).error?.code).to.equal('upstream_reset')
  })

  it('cancels the stream of a client that is gone, so that half an upload never looks whole', async () => {
    const ends: [string, number][] = []
    const partner = await start((stream) => {
      stream.on('end', () => ends.push(['end', stream.rstCode]))
      stream.on('close', () => ends.push(['close', stream.rstCode]))
      stream.resume()
    })
    const body = new PassThrough()
    const call = partner.start({ method: 'POST', body })
    body.write('half')
    await until('the stream to arrive', () => partner.streams() === 1)
    call.forwarding.abort()
    await until('the stream to end', () => ends.length > 0)
    await until('the stream to close', () => ends.some(([event]) => event === 'close'))
    expect(ends.every(([, code]) => code === 8)).to.equal(true)
    expect(call.answer.error).to.equal(undefined)
  })

  it('stops reading from the partner while the client does not read', async () => {
    let written = 0
    const partner = await start((stream) => {
      stream.respond({ ':status': 200 })
      const write = (): void => {
        while (written < 8 * 1024 * 1024) {
          written += 64 * 1024
          if (!stream.write(Buffer.alloc(64 * 1024))) {
            stream.once('drain', write)
            return
          }
        }
        stream.end()
      }
      write()
    })
    const call = partner.start({})
    call.forwarding.pause()
    await until('the partner to write', () => written > 0)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(written).to.be.lessThan(1024 * 1024)
    call.forwarding.resume()
    expect((await call.done).body.length).to.equal(8 * 1024 * 1024)
  })

  it('lets streams of a session finish after GOAWAY, and opens another session for the next', async () => {
    let streams = 0
    const partner = await start((stream) => {
      streams++
      stream.respond({ ':status': 200 })
      if (streams === 1) {
        stream.session?.goaway(0)
        setTimeout(() => stream.end('late'), 50)
      } else stream.end('next')
    })
    const first = partner.start({})
    await until('the first response head', () => first.answer.status === 200)
    expect((await partner.call({})).body).to.equal('next')
    expect((await first.done).body).to.equal('late')
    expect(partner.accepted()).to.equal(2)
  })

  it('goes by HTTP/1.1 where the partner offers nothing else, and remembers that', async () => {
    const partner = await startHttp1()
    expect((await partner.call({})).headers).to.deep.equal(['x-by', 'http/1.1'])
    expect((await partner.call({})).headers).to.deep.equal(['x-by', 'http/1.1'])
    expect(partner.accepted()).to.equal(1)
  })

  it('refuses gRPC with http2_required where the partner offers HTTP/1.1 alone', async () => {
    const partner = await startHttp1()
    expect((await partner.call({ http2: 'required' })).error?.code).to.equal('http2_required')
  })

  it('gives up on a partner that is silent for longer than the timeout of its route', async () => {
    const partner = await start(() => undefined)
    expect((await partner.call({}, 50)).error?.code).to.equal('upstream_timeout')
  })

  it('tells a partner that cannot be connected to as such', async () => {
    const partner = await start(() => undefined)
    await partner.close()
    expect((await partner.call({})).error?.code).to.equal('upstream_connect_failed')
  })

  it('hands on interim responses', async () => {
    const partner = await start((stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</a>' })
      stream.respond({ ':status': 200 })
      stream.end()
    })
    expect((await partner.call({})).interim).to.deep.equal([103])
  })

  function answerLate(stream: ServerHttp2Stream): void {
    setTimeout(() => {
      stream.respond({ ':status': 200 })
      stream.end()
    }, 20)
  }

  async function start(
    onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
    settings: { readonly maxConcurrentStreams?: number } = {},
  ): Promise<Http2Partner> {
    const server = createSecureServer({ ...pair, settings })
    let streams = 0
    server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      streams++
      stream.on('error', () => undefined)
      onStream(stream, headers)
    })
    server.on('sessionError', () => undefined)
    return listen(server, () => streams)
  }

  /** A partner that takes HTTP/1.1 alone; nothing is ever sent to it here. */
  const startHttp1 = (): Promise<Http2Partner> =>
    listen(createTlsServer({ ...pair, ALPNProtocols: ['http/1.1'] }), () => 0)

  async function listen(server: Server, streams: () => number): Promise<Http2Partner> {
    const partner = new Http2Partner(server, authority.ca, streams)
    partners.push(partner)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    partner.port = (server.address() as AddressInfo).port
    return partner
  }
})
