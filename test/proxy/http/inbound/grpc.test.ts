import { once } from 'node:events'
import { Client, Metadata, credentials, status } from '@grpc/grpc-js'
import type { ServiceError } from '@grpc/grpc-js'
import { expect } from 'chai'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import type { KeyPair, TestAuthority } from '../../../support/certificates.ts'
import { ECHO, startGrpcPartner } from '../../../support/proxy/grpc-partner.ts'
import type { GrpcPartner } from '../../../support/proxy/grpc-partner.ts'
import { ask, secureHttp2 } from '../../../support/proxy/http2-client.ts'
import { openPodAuthority } from '../../../support/proxy/interception.ts'
import type { TestPodAuthority } from '../../../support/proxy/interception.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { TEST_TOKEN, denied } from '../../../support/proxy/tokens.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

const HOST = 'api.partner.example'
const identity = (message: Buffer): Buffer => message

describe('gRPC', () => {
  let partners: TestAuthority
  let pair: KeyPair
  let pod: TestPodAuthority
  let partner: GrpcPartner
  let proxy: TestProxy
  let client: Client
  const proxyBefore = process.env['grpc_proxy']

  before(async () => {
    partners = await createTestAuthority()
    pair = await partners.issue([HOST])
    pod = await openPodAuthority(HOST)
  })
  beforeEach(async () => {
    partner = await startGrpcPartner(pair)
    await start(partner.port)
  })
  afterEach(async () => {
    client.close()
    partner.kill()
    await proxy.close()
  })
  after(() => {
    if (proxyBefore === undefined) delete process.env['grpc_proxy']
    else process.env['grpc_proxy'] = proxyBefore
  })

  const start = async (port: number): Promise<void> => {
    proxy = await startTestProxy({
      ca: partners.ca,
      authority: pod,
      routes: [{ hosts: [`${HOST}:${port}`], https: 'intercept' }],
    })
    process.env['grpc_proxy'] = `http://127.0.0.1:${proxy.port}`
    client = new Client(`${HOST}:${port}`, credentials.createSsl(Buffer.from(pod.anchor)), {
      'grpc.max_receive_message_length': -1,
    })
  }
  const insecurely = (): void => {
    client.close()
    client = new Client(`${HOST}:80`, credentials.createInsecure())
  }
  const unary = (message: string | Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, answer?: Buffer): void => {
        if (error) reject(error)
        else resolve(answer ?? Buffer.alloc(0))
      }
      client.makeUnaryRequest(ECHO.unary.path, identity, identity, Buffer.from(message), done)
    })
  const failure = (call: Promise<unknown>): Promise<ServiceError> =>
    call.then(
      () => expect.fail('the call has not failed'),
      (error: unknown) => error as ServiceError,
    )

  for (const [channel, choose] of [
    ['secure', () => undefined],
    ['insecure', insecurely],
  ] as const)
    it(`gets its token in a unary call over a channel that is ${channel}`, async () => {
      choose()
      expect((await unary('hello')).toString()).to.equal('hello')
      expect(partner.metadata[0]?.get('authorization')).to.deep.equal([`Bearer ${TEST_TOKEN}`])
    })

  it('carries a stream of messages from the client', async () => {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
    const call = client.makeClientStreamRequest(ECHO.clientStream.path, identity, identity, (error, answer?: Buffer) =>
      error ? reject(error) : resolve(answer ?? Buffer.alloc(0)),
    )
    for (const word of ['one', 'two', 'three']) call.write(Buffer.from(word))
    call.end()
    expect((await promise).toString()).to.equal('onetwothree')
  })

  it('carries a stream of large messages to the client, at its speed', async () => {
    const call = client.makeServerStreamRequest(ECHO.serverStream.path, identity, identity, Buffer.from('16 1048576'))
    let bytes = 0
    for await (const message of call) bytes += (message as Buffer).length
    expect(bytes).to.equal(16 * 1024 * 1024)
  })

  it('carries a conversation', async () => {
    const call = client.makeBidiStreamRequest(ECHO.bidi.path, identity, identity)
    for (const word of ['one', 'two']) {
      call.write(Buffer.from(word))
      const [answer] = (await once(call, 'data')) as [Buffer]
      expect(answer.toString()).to.equal(word)
    }
    call.end()
    const [end] = (await once(call, 'status')) as [{ code: number }]
    expect(end.code).to.equal(status.OK)
  })

  it('makes fifty calls at once on one connection', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => unary(`${index}`)))
    expect(answers.map(String)).to.deep.equal(Array.from({ length: 50 }, (_, index) => `${index}`))
    expect(await proxy.connections()).to.equal(1)
  })

  it("hears the partner's own status and message", async () => {
    expect(await failure(unary('fail'))).to.include({ code: status.NOT_FOUND, details: 'no such order: ä' })
  })

  it('passes metadata on both ways, binary values too', async () => {
    const sent = new Metadata()
    sent.set('x-trace-bin', Buffer.from([0, 255]))
    const call = client.makeBidiStreamRequest(ECHO.bidi.path, identity, identity, sent)
    call.end()
    call.resume()
    await once(call, 'status')
    expect(partner.metadata[0]?.get('x-trace-bin')).to.deep.equal([Buffer.from([0, 255])])
  })

  it('ends the call at the partner when its client cancels', async () => {
    const call = client.makeBidiStreamRequest(ECHO.bidi.path, identity, identity)
    call.on('error', () => undefined).resume()
    call.write(Buffer.from('x'))
    await until('the partner has the call', () => partner.metadata.length === 1)
    call.cancel()
    await until('the partner knows', () => partner.cancelled() === 1)
  })

  it('hears of a partner that dies within a stream as UNAVAILABLE', async () => {
    const call = client.makeBidiStreamRequest(ECHO.bidi.path, identity, identity)
    const failed = once(call, 'error')
    call.write(Buffer.from('x'))
    await once(call, 'data')
    partner.kill()
    const [error] = (await failed) as [ServiceError]
    expect(error.code).to.equal(status.UNAVAILABLE)
    expect(error.details).to.include('upstream_reset')
  })

  it('hears of a token that is denied as UNAUTHENTICATED, with what to do', async () => {
    proxy.tokens.answer = denied
    const error = await failure(unary('x'))
    expect(error.code).to.equal(status.UNAUTHENTICATED)
    expect(error.details).to.match(/^token_denied: .*doctor/)
    expect(partner.metadata).to.be.empty
  })

  it('hears of a partner that is down as UNAVAILABLE', async () => {
    partner.kill()
    const error = await failure(unary('x'))
    expect(error.code).to.equal(status.UNAVAILABLE)
    expect(error.details).to.include('upstream_connect_failed')
  })

  it('hears of a partner without HTTP/2 as UNIMPLEMENTED', async () => {
    const old = await startUpstream((_request, reply) => reply.end(), pair)
    client.close()
    await proxy.close()
    await start(old.port)
    const error = await failure(unary('x'))
    expect(error.code).to.equal(status.UNIMPLEMENTED)
    expect(error.details).to.include('http2_required')
    await old.close()
  })

  it('has every error of the proxy as a head and nothing else, and for another authority as UNAUTHENTICATED', async () => {
    const session = await secureHttp2(proxy.port, `${HOST}:${partner.port}`, pod.anchor)
    const answer = await ask(session, {
      ...{ ':method': 'POST', ':path': '/test.Echo/Unary', ':authority': 'other.example' },
      'content-type': 'application/grpc+proto',
    })
    expect(answer).to.include({ status: 200, isHeadOnly: true, body: '', rstCode: 0 })
    expect(answer.headers).to.include({
      'grpc-status': String(status.UNAUTHENTICATED),
      'content-type': 'application/grpc',
      'x-outbound-jwt-error': 'authority_mismatch',
    })
    session.destroy()
  })

  it('is not what grpc-web is, which goes by HTTP/1.1 as well', async () => {
    const old = await startUpstream((_request, reply) => reply.end('web'), pair)
    client.close()
    await proxy.close()
    await start(old.port)
    const session = await secureHttp2(proxy.port, `${HOST}:${old.port}`, pod.anchor)
    const answer = await ask(session, { ':method': 'POST', ':path': '/', 'content-type': 'application/grpc-web+proto' })
    expect(answer).to.include({ status: 200, body: 'web' })
    session.destroy()
    await old.close()
  })
})
