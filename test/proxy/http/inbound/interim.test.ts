import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { IncomingMessage, RequestListener } from 'node:http'
import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import type { TestAuthority } from '../../../support/certificates.ts'
import { call, exchangeBytes, keepAlive, open, openSocket, read, response } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { TEST_TOKEN, denied } from '../../../support/proxy/tokens.ts'
import { startRawUpstream, startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

const HOST = 'api.partner.example'

describe('interim responses, trailers and streams', () => {
  let authority: TestAuthority
  let partner: Upstream
  let proxy: TestProxy
  let answer: RequestListener
  const seen: IncomingMessage[] = []
  before(async () => {
    authority = await createTestAuthority()
    partner = await startUpstream(
      (request, reply) => {
        seen.push(request)
        answer(request, reply)
      },
      await authority.issue([HOST]),
    )
    proxy = await startTestProxy({ ca: authority.ca, routes: [{ hosts: [`${HOST}:${partner.port}`] }] })
  })
  after(() => Promise.all([partner.close(), proxy.close()]))
  afterEach(() => {
    seen.length = 0
    proxy.tokens.answer = () => TEST_TOKEN
  })

  const expecting = (more = ''): string =>
    `POST http://${HOST}/ HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n${more}\r\n`

  it('asks for the body only when the token is there', async () => {
    answer = (request, reply) => void request.pipe(reply)
    let give: (token: string) => void = () => undefined
    proxy.tokens.answer = () => new Promise((resolve) => (give = resolve))
    const asked = proxy.tokens.asked.length
    const socket = await openSocket(proxy.port)
    const text = collect(socket)
    socket.write(expecting('Connection: close\r\n'))
    await until('a token is asked for', () => proxy.tokens.asked.length > asked)
    expect(text()).to.equal('')
    give(TEST_TOKEN)
    await until('100 Continue', () => text() === 'HTTP/1.1 100 Continue\r\n\r\n')
    expect(seen, 'called before the body was there').to.be.empty
    socket.write('body')
    await once(socket, 'close')
    expect(text()).to.match(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n[^]*body/)
    expect(seen[0]?.headers)
      .to.include({ authorization: `Bearer ${TEST_TOKEN}` })
      .and.not.have.property('expect')
  })

  it('refuses before the body, and ends the connection', async () => {
    proxy.tokens.answer = denied
    const text = await exchangeBytes(proxy.port, expecting())
    expect(text)
      .to.match(/^HTTP\/1\.1 502 /)
      .and.include('token_denied')
      .and.include('Connection: close')
    expect(text).not.to.include('100 Continue')
    const unknown = await exchangeBytes(proxy.port, expecting().replace(HOST, 'user@evil.example'))
    expect(unknown).to.include('bad_request_target').and.not.include('100 Continue')
    expect(seen).to.be.empty
  })

  it('refuses an expectation it does not know', async () => {
    const { status, headers } = await call(proxy.port, `http://${HOST}/`, { headers: { Expect: 'teapot' } })
    expect([status, headers['x-outbound-jwt-error']]).to.deep.equal([417, 'expectation_failed'])
    expect(seen).to.be.empty
  })

  it('passes no interim response on, and counts them', async () => {
    const raw = await startRawUpstream((socket) =>
      socket.once('data', () =>
        socket.end(
          'HTTP/1.1 102 Processing\r\nContent-Length: 2\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n' +
            'HTTP/1.1 199 Odd\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
        ),
      ),
    )
    for (const version of ['1.1', '1.0']) {
      const text = await exchangeBytes(
        proxy.port,
        `GET http://x.example:${raw.port}/ HTTP/${version}\r\nConnection: close\r\n\r\n`,
      )
      expect(text).to.equal('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok')
    }
    const counted = await proxy.metrics()
    for (const status of ['102', '103', 'other'])
      expect(counted).to.match(
        new RegExp(`outbound_jwt_interim_responses_dropped_total.*http_response_status_code="${status}".* 2\\n`),
      )
    await raw.close()
  })

  it('passes no interim response on to a client that waits for its 100', async () => {
    answer = (request, reply) => {
      reply.writeEarlyHints({ link: '</a>; rel=preload' })
      request.pipe(reply)
    }
    const text = await exchangeBytes(proxy.port, `${expecting('Connection: close\r\n')}body`)
    expect(text.match(/HTTP\/1\.1 \d+/g)).to.deep.equal(['HTTP/1.1 100', 'HTTP/1.1 200'])
  })

  it('passes a 204 on without the length that it must not have', async () => {
    const raw = await startRawUpstream((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\nX-A: b\r\nContent-Length: 2\r\n\r\n')),
    )
    const text = await exchangeBytes(
      proxy.port,
      `GET http://x.example:${raw.port}/ HTTP/1.1\r\nConnection: close\r\n\r\n`,
    )
    expect(text).to.equal('HTTP/1.1 204 No Content\r\nX-A: b\r\nConnection: close\r\n\r\n')
    await raw.close()
  })

  for (const status of ['204 No Content', '304 Not Modified'])
    it(`hands on a ${status} that announces trailers, which it cannot have`, async () => {
      const raw = await startRawUpstream((socket) =>
        socket.once('data', () =>
          socket.end(`HTTP/1.1 ${status}\r\nX-A: b\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n`),
        ),
      )
      const get = `GET http://x.example:${raw.port}/ HTTP/1.1\r\nConnection: close\r\n\r\n`
      expect(await exchangeBytes(proxy.port, get)).to.equal(`HTTP/1.1 ${status}\r\nX-A: b\r\nConnection: close\r\n\r\n`)
      await raw.close()
    })

  it('drops trailers that a client could take for fields of a head', async () => {
    const trailers = ['Keep-Alive: x', 'Set-Cookie: a=b', 'Location: https://evil.example/', 'X-Sum: kept']
    const raw = await startRawUpstream((socket) =>
      socket.once('data', () =>
        socket.end(
          `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${trailers.join('\r\n')}\r\n\r\n`,
        ),
      ),
    )
    const text = await exchangeBytes(
      proxy.port,
      `GET http://x.example:${raw.port}/ HTTP/1.1\r\nConnection: close\r\n\r\n`,
    )
    expect(text).to.match(/\r\n\r\n2\r\nok\r\n0\r\nX-Sum: kept\r\n\r\n$/)
    await raw.close()
  })

  it('passes trailers on', async () => {
    answer = (_, reply) => {
      reply.writeHead(200, { Trailer: 'X-Checksum' })
      reply.write('body')
      reply.addTrailers({ 'X-Checksum': 'abc' })
      reply.end()
    }
    const { body, headers, trailers } = await call(proxy.port, `http://${HOST}/`)
    expect([body, headers.trailer, trailers['x-checksum']]).to.deep.equal(['body', 'X-Checksum', 'abc'])
  })

  it('passes the trailers of a response on, and drops those of a request together with their announcement', async () => {
    answer = (request, reply) => {
      reply.writeHead(200, { Trailer: 'X-Sum' })
      request.on('data', (chunk) => reply.write(chunk))
      request.on('end', () => {
        reply.addTrailers({ 'X-Sum': 'ours' })
        reply.end()
      })
    }
    const body = '4\r\nbody\r\n0\r\nX-Checksum: theirs\r\n\r\n'
    const fields = 'Transfer-Encoding: chunked\r\nTrailer: X-Checksum\r\nTE: trailers\r\nConnection: TE, close\r\n'
    const text = await exchangeBytes(proxy.port, `POST http://${HOST}/ HTTP/1.1\r\n${fields}\r\n${body}`)
    expect(text).to.match(/\r\nTrailer: X-Sum\r\n[^]*\r\n4\r\nbody\r\n0\r\nX-Sum: ours\r\n\r\n$/)
    const [request] = seen
    expect(request?.complete).to.equal(true)
    expect(request?.rawTrailers).to.deep.equal([])
    expect(request?.headers).to.include({ te: 'trailers' }).and.not.have.property('trailer')
  })

  it('hands each event over before the next one exists', async () => {
    let next: (text: string) => void = () => undefined
    answer = (_, reply) => {
      reply.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders()
      next = (text) => (text === '' ? reply.end() : reply.write(text))
    }
    const outgoing = open(proxy.port, `http://${HOST}/`)
    outgoing.end()
    const incoming = await response(outgoing)
    for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      next(event)
      const [chunk] = (await once(incoming, 'data')) as [Buffer]
      expect(chunk.toString()).to.equal(event)
    }
    next('')
    await once(incoming, 'end')
  })

  it('hands a body of the client over as it comes', async () => {
    const chunks: string[] = []
    answer = (request, reply) => {
      request.on('data', (chunk: Buffer) => chunks.push(chunk.toString()))
      request.on('end', () => reply.end(chunks.join()))
    }
    const outgoing = open(proxy.port, `http://${HOST}/`, { method: 'POST' })
    for (const part of ['one', 'two', 'three']) {
      outgoing.write(part)
      await until(`the partner has ${part}`, () => chunks.at(-1) === part)
    }
    outgoing.end()
    expect((await read(await response(outgoing))).body).to.equal('one,two,three')
  })

  it('answers when the partner answers before it has read the body, and keeps the connection in order', async () => {
    answer = (request, reply) => {
      if (request.method === 'POST') reply.writeHead(413, { 'Content-Length': 3 }).end('big')
      else reply.end('next')
    }
    const agent = keepAlive()
    const outgoing = open(proxy.port, `http://${HOST}/`, { method: 'POST', agent })
    outgoing.write(Buffer.alloc(100_000))
    const early = await read(await response(outgoing))
    expect([early.status, early.body]).to.deep.equal([413, 'big'])
    outgoing.end(Buffer.alloc(100_000))
    expect((await call(proxy.port, `http://${HOST}/`, { agent })).body).to.equal('next')
    agent.destroy()
  })

  it('keeps bytes above ASCII in fields as they are, both ways', async () => {
    let value = ''
    answer = (request, reply) => {
      value = request.headers['x-bytes'] as string
      reply.writeHead(200, { 'X-Bytes': value }).end()
    }
    const bytes = Buffer.from([...Array(128).keys()].map((index) => index + 128)).toString('latin1')
    const text = await exchangeBytes(
      proxy.port,
      Buffer.from(`GET http://${HOST}/ HTTP/1.1\r\nX-Bytes: a${bytes}z\r\nConnection: close\r\n\r\n`, 'latin1'),
    )
    expect(value).to.equal(`a${bytes}z`)
    expect(text).to.include(`X-Bytes: a${bytes}z\r\n`)
  })
})

function collect(socket: Socket): () => string {
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  return () => text
}
