import { once } from 'node:events'
import { createSecureServer } from 'node:http2'
import type { ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { afterEach, before, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import type { KeyPair } from '../../../support/certificates.ts'
import { Http2Partner } from '../../../support/proxy/http2-partner.ts'
import { until } from '../../../support/until.ts'

/** RFC 9113 §7. */
const HTTP_1_1_REQUIRED = 13

describe('a partner that wants HTTP/1.1 instead of HTTP/2', () => {
  let pair: KeyPair
  let ca: string
  let partner: Http2Partner | undefined
  before(async () => {
    const authority = await createTestAuthority()
    ;({ ca } = authority)
    pair = await authority.issue(['partner.example'])
  })
  afterEach(() => partner?.close())

  it('gets a stream that it reset by HTTP/1.1, its body whole, and every later request', async () => {
    let streams = 0
    const sut = await start((stream) => {
      streams++
      stream.once('data', () => stream.close(HTTP_1_1_REQUIRED))
    })
    const body = new PassThrough()
    const call = sut.start({ method: 'POST', body })
    body.write('before ')
    await until('the other protocol', () => call.answer.status === 200)
    body.end('after')
    const answer = await call.done
    expect(answer).to.deep.include({ body: 'before after', headers: ['x-by', 'http/1.1'], error: undefined })
    expect((await sut.call({ method: 'POST', body: Buffer.from('next') })).body).to.equal('next')
    expect([streams, sut.retries, sut.accepted()]).to.deep.equal([1, 1, 1])
  })

  it('gets a body by HTTP/1.1 that had gone out to its end', async () => {
    const sut = await start((stream) => {
      stream.resume().on('end', () => stream.close(HTTP_1_1_REQUIRED))
    })
    const body = new PassThrough()
    body.end('all of it')
    expect(await sut.call({ method: 'POST', body })).to.deep.include({ status: 200, body: 'all of it' })
  })

  it('gets a request by HTTP/1.1 that the GOAWAY of its connection has left out', async () => {
    const sut = await start(answerFirst((stream) => stream.session?.goaway(HTTP_1_1_REQUIRED, 1)))
    await sut.call({})
    const answer = await sut.call({ method: 'POST', body: Buffer.from('again') })
    expect(answer).to.deep.include({ body: 'again', headers: ['x-by', 'http/1.1'] })
  })

  for (const [method, outcome] of [
    ['GET', 'http/1.1'],
    ['POST', 'upstream_reset'],
  ] as const)
    it(`and may have carried out a ${method} ends it as ${outcome}`, async () => {
      const sut = await start(answerFirst((stream) => stream.session?.goaway(HTTP_1_1_REQUIRED, stream.id)))
      await sut.call({})
      const { error, headers } = await sut.call({ method })
      expect(error?.code ?? headers[1]).to.equal(outcome)
      expect((await sut.call({ method })).headers).to.deep.equal(['x-by', 'http/1.1'])
    })

  it('does not get a body of which more than 64 KiB are gone, and gets the next request by HTTP/1.1', async () => {
    let received = 0
    let reset: (() => void) | undefined
    const sut = await start((stream) => {
      reset = () => stream.close(HTTP_1_1_REQUIRED)
      stream.on('data', (chunk: Buffer) => (received += chunk.length))
    })
    const body = new PassThrough()
    const call = sut.start({ method: 'PUT', body })
    body.write(Buffer.alloc(80 * 1024))
    await until('the body to arrive', () => received === 80 * 1024)
    reset?.()
    expect((await call.done).error?.code).to.equal('upstream_reset')
    expect((await sut.call({})).headers).to.deep.equal(['x-by', 'http/1.1'])
  })

  it('makes calls of gRPC end as http2_required', async () => {
    const sut = await start((stream) => stream.close(HTTP_1_1_REQUIRED))
    expect((await sut.call({ http2: 'required' })).error?.code).to.equal('http2_required')
  })

  async function start(onStream: (stream: ServerHttp2Stream) => void): Promise<Http2Partner> {
    partner = await listen({ ...pair, ca }, onStream)
    return partner
  }
})

describe('sessions of HTTP/2 to a partner', () => {
  let pair: KeyPair & { readonly ca: string }
  let partner: Http2Partner | undefined
  before(async () => {
    const authority = await createTestAuthority()
    pair = { ca: authority.ca, ...(await authority.issue(['partner.example'])) }
  })
  afterEach(() => partner?.close())

  it('are not opened again and again where the partner allows no stream', async () => {
    partner = await listen(pair, () => undefined, { maxConcurrentStreams: 0 })
    const answers = await Promise.all([partner.call({}), partner.call({})])
    expect(answers.map(({ error }) => error?.code)).to.deep.equal([
      'upstream_connect_failed',
      'upstream_connect_failed',
    ])
    expect(partner.accepted()).to.equal(1)
    await until('the session is closed', () => partner?.opened[0]?.destroyed === true)
  })

  it('are not opened where memory has no room: the client hears 503 and when to come again', async () => {
    partner = await listen(pair, (stream) => stream.respond({ ':status': 200 }, { endStream: true }))
    partner.hasRoom = false
    const { error } = await partner.call({})
    expect([error?.code, error?.retryAfterSeconds, partner.accepted()]).to.deep.equal(['overloaded', 1, 0])
    partner.hasRoom = true
    expect((await partner.call({})).status).to.equal(200)
  })
})

/** Answers the first stream, so that the ID of the second one is known. */
function answerFirst(second: (stream: ServerHttp2Stream) => void): (stream: ServerHttp2Stream) => void {
  let streams = 0
  return (stream) => {
    if (streams++ === 0) stream.respond({ ':status': 200 }, { endStream: true })
    else second(stream)
  }
}

async function listen(
  { ca, ...pair }: KeyPair & { readonly ca: string },
  onStream: (stream: ServerHttp2Stream) => void,
  settings: { readonly maxConcurrentStreams?: number } = {},
): Promise<Http2Partner> {
  const server = createSecureServer({ ...pair, settings })
    .on('sessionError', () => undefined)
    .on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => undefined)
      onStream(stream)
    })
  const partner = new Http2Partner(server, ca, () => 0)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  partner.port = (server.address() as AddressInfo).port
  return partner
}
