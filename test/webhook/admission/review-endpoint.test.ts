import { once } from 'node:events'
import { connect } from 'node:tls'
import { expect } from 'chai'
import { afterEach, before, describe, it } from 'mocha'
import type { ReviewHandler } from '../../../webhook/src/admission/handler.ts'
import { ReviewError } from '../../../webhook/src/errors.ts'
import type { RunningAdmission } from '../../support/admission.ts'
import { startAdmission } from '../../support/admission.ts'
import type { KeyPair, TestAuthority } from '../../support/certificates.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import { postJson } from '../../support/https.ts'

describe('the admission port', () => {
  let authority: TestAuthority
  let certificate: KeyPair
  let admission: RunningAdmission | undefined

  before(async () => {
    authority = await createTestAuthority()
    certificate = await authority.issue(['127.0.0.1'])
  })
  afterEach(async () => {
    await admission?.close()
    admission = undefined
  })

  async function start(handle: ReviewHandler, isDraining = false): Promise<number> {
    admission = await startAdmission({ handle, certificate, isDraining })
    return admission.port
  }
  const post = (port: number, path: string, body: string): ReturnType<typeof postJson> =>
    postJson(`https://127.0.0.1:${port}${path}`, body, authority.ca)
  /** @returns the head of the answer to a request without a body. */
  async function ask(port: number, head: string): Promise<string> {
    const socket = connect({ port, host: '127.0.0.1', ca: authority.ca })
    await once(socket, 'secureConnect')
    socket.write(`${head}\r\n\r\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    return answer.toString()
  }

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
        body: 'paths here: POST /mutate, POST /mutate/namespace, POST /warn, POST /warn/namespace\n',
      })
  })

  it('answers other methods with 405, and says which one it takes', async () => {
    const port = await start(() => expect.fail('not a review'))
    for (const method of ['GET', 'HEAD', 'PUT', 'OPTIONS'])
      expect(await ask(port, `${method} /mutate HTTP/1.1\r\nhost: webhook`)).to.match(
        /^HTTP\/1\.1 405 [\s\S]*\r\nAllow: POST\r\n/,
      )
  })

  it('answers a content type other than JSON with 415, a line in the log and a count', async () => {
    const port = await start(() => expect.fail('not a review'))
    const head = 'POST /mutate HTTP/1.1\r\nhost: webhook\r\ncontent-length: 0'
    for (const type of ['', '\r\ncontent-type: text/plain', '\r\ncontent-type: application/jsonp'])
      expect(await ask(port, `${head}${type}`)).to.match(/^HTTP\/1\.1 415 /)
    expect(admission?.log()).to.include('"code":"unsupported-media-type"')
    expect(await admission?.metrics()).to.include('errors_total{code="unsupported-media-type"} 3')
  })

  it('takes JSON with parameters, in upper case, too', async () => {
    const port = await start(() => ({}))
    const head = 'POST /mutate HTTP/1.1\r\nhost: webhook\r\ncontent-length: 0'
    for (const type of ['application/json; charset=utf-8', 'Application/JSON'])
      expect(await ask(port, `${head}\r\ncontent-type: ${type}`)).to.match(/^HTTP\/1\.1 200 /)
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
      expect(admission?.log()).to.include(`"code":"${name}"`)
      expect(await admission?.metrics()).to.include(`outbound_jwt_admission_errors_total{code="${name}"} 1`)
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
    await admission?.close()
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
