import { once } from 'node:events'
import type { Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import { expect } from 'chai'
import { afterEach, before, describe, it } from 'mocha'
import { createLogger, createMetrics } from '../../../proxy/src/runtime/index.ts'
import type { ReviewHandler } from '../../../webhook/src/admission/handler.ts'
import { createLoad } from '../../../webhook/src/admission/load.ts'
import { createAdmissionServer, installCertificate } from '../../../webhook/src/admission/server.ts'
import { ReviewError } from '../../../webhook/src/errors.ts'
import { METRICS } from '../../../webhook/src/metrics.ts'
import type { Capture } from '../../support/capture.ts'
import { captureStream } from '../../support/capture.ts'
import type { KeyPair, TestAuthority } from '../../support/certificates.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import { postJson } from '../../support/https.ts'

describe('admission server', () => {
  let authority: TestAuthority
  let certificate: KeyPair
  let server: Server | undefined
  let log: Capture
  const metrics = createMetrics(METRICS)

  before(async () => {
    authority = await createTestAuthority()
    certificate = await authority.issue(['127.0.0.1'])
  })
  afterEach(async () => {
    server?.closeAllConnections()
    await server?.[Symbol.asyncDispose]()
    server = undefined
  })

  async function start(handle: ReviewHandler, isDraining = false): Promise<number> {
    log = captureStream()
    server = createAdmissionServer({
      handle,
      instruments: metrics.instruments,
      log: createLogger({ level: 'info', format: 'json', stream: log.stream }),
      load: createLoad({ requests: 100, bytes: 64 * 1024 * 1024 }),
      isDraining: () => isDraining,
    })
    installCertificate(server, certificate)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const post = (port: number, path: string, body: string): ReturnType<typeof postJson> =>
    postJson(`https://127.0.0.1:${port}${path}`, body, authority.ca)

  it('hands the body on as text, and tells the mode by the path', async () => {
    const seen: unknown[] = []
    const port = await start((body, mode) => {
      seen.push([body, mode])
      return { answered: true }
    })
    expect(await post(port, '/mutate', '{"a":1}')).to.include({ status: 200, body: '{"answered":true}' })
    await post(port, '/mutate/namespace', '')
    expect(seen).to.deep.equal([
      ['{"a":1}', 'pod'],
      ['', 'namespace'],
    ])
  })

  it('gives nothing away about itself', async () => {
    const { headers } = await post(await start(() => ({})), '/mutate', '')
    expect(Object.keys(headers).sort()).to.deep.equal([
      'connection',
      'content-length',
      'content-type',
      'date',
      'keep-alive',
    ])
  })

  it('answers other paths with 404', async () => {
    const port = await start(() => expect.fail('not a review'))
    for (const path of ['/', '/validate', '/mutate/', '/Mutate', '/mutate/namespace/x'])
      expect(await post(port, path, '')).to.include({
        status: 404,
        body: 'reviews are answered at POST /mutate and POST /mutate/namespace\n',
      })
  })

  it('answers other methods with 404', async () => {
    const port = await start(() => expect.fail('not a review'))
    for (const method of ['GET', 'PUT', 'OPTIONS']) {
      const socket = connect({ port, host: '127.0.0.1', ca: authority.ca })
      await once(socket, 'secureConnect')
      socket.write(`${method} /mutate HTTP/1.1\r\nhost: webhook\r\n\r\n`)
      const [answer] = (await once(socket, 'data')) as [Buffer]
      expect(answer.toString()).to.match(/^HTTP\/1\.1 404 /)
      socket.destroy()
    }
  })

  it('reads a body of several pieces as one text, whatever they split', async () => {
    const port = await start((body) => ({ body }))
    const text = 'ä€😀'.repeat(50_000)
    expect(JSON.parse((await post(port, '/mutate', text)).body)).to.deep.equal({ body: text })
  })

  for (const [name, error, status] of [
    ['not-json', new ReviewError('not-json'), 400],
    ['not-a-review', new ReviewError('not-a-review'), 400],
    ['internal', new TypeError('a defect'), 500],
  ] as const) {
    it(`answers ${name} with ${status}, a line in the log and a count`, async () => {
      const port = await start(() => {
        throw error
      })
      const reply = await post(port, '/mutate', '{}')
      expect(reply.status).to.equal(status)
      expect(reply.body).not.to.include('a defect')
      expect(log.text()).to.include(`"code":"${name}"`)
      expect((await metrics.render()).body).to.include(`outbound_jwt_admission_errors_total{code="${name}"} 1`)
    })
  }

  it('takes 8 MB and refuses more with 413', async () => {
    const port = await start((body) => ({ length: body.length }))
    const limit = 8 * 1024 * 1024
    expect((await post(port, '/mutate', 'x'.repeat(limit))).body).to.equal(`{"length":${limit}}`)
    expect((await post(port, '/mutate', 'x'.repeat(limit + 1))).status).to.equal(413)
  })

  it('asks for a new connection elsewhere while it drains', async () => {
    const kept = await post(await start(() => ({})), '/mutate', '')
    expect(kept.headers.connection).to.equal('keep-alive')
    server?.closeAllConnections()
    await server?.[Symbol.asyncDispose]()
    const draining = await post(await start(() => ({}), true), '/mutate', '')
    expect(draining).to.include({ status: 200 })
    expect(draining.headers.connection).to.equal('close')
  })

  it('speaks TLS 1.2 and 1.3, nothing older', async () => {
    const port = await start(() => ({}))
    const handshake = async (maxVersion: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'): Promise<string | null> => {
      const socket = connect({
        host: '127.0.0.1',
        port,
        ca: authority.ca,
        minVersion: 'TLSv1',
        maxVersion,
        ciphers: 'DEFAULT@SECLEVEL=0',
      })
      try {
        await once(socket, 'secureConnect')
        return socket.getProtocol()
      } finally {
        socket.destroy()
      }
    }
    expect(await handshake('TLSv1.3')).to.equal('TLSv1.3')
    expect(await handshake('TLSv1.2')).to.equal('TLSv1.2')
    expect(String(await handshake('TLSv1.1').catch(String))).to.match(/alert protocol version/)
  })
})
