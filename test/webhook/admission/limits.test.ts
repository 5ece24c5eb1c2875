import { once } from 'node:events'
import type { TLSSocket } from 'node:tls'
import { connect } from 'node:tls'
import { expect } from 'chai'
import { afterEach, before, beforeEach, describe, it } from 'mocha'
import { installCertificate } from '../../../proxy/src/runtime/index.ts'
import type { RunningAdmission } from '../../support/admission.ts'
import { startAdmission } from '../../support/admission.ts'
import type { KeyPair, TestAuthority } from '../../support/certificates.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import { postJson } from '../../support/https.ts'
import { until } from '../../support/until.ts'

describe('limits of the admission server', () => {
  let authority: TestAuthority
  let pair: KeyPair
  let admission: RunningAdmission
  let port: number
  let handled: number

  before(async () => {
    authority = await createTestAuthority()
    pair = await authority.issue(['127.0.0.1'])
  })
  beforeEach(async () => {
    handled = 0
    admission = await startAdmission({
      handle: () => {
        handled += 1
        return {}
      },
      certificate: pair,
      load: { requests: 2, bytes: 9 * 1024 * 1024 },
    })
    port = admission.port
  })
  afterEach(() => admission.close())

  const post = (path: string): ReturnType<typeof postJson> =>
    postJson(`https://127.0.0.1:${port}${path}`, '{}', authority.ca)
  const inFlight = async (count: number): Promise<void> => {
    await until(`${count} requests in flight`, async () =>
      (await admission.metrics()).includes(`outbound_jwt_admission_in_flight ${count}\n`),
    )
  }
  /** Sends a head, and less of the body than it promises. */
  async function begin(path: string, headers: string, body = '{'): Promise<TLSSocket> {
    const socket = connect({ port, host: '127.0.0.1', ca: authority.ca })
    await once(socket, 'secureConnect')
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: webhook\r\ncontent-type: application/json\r\n${headers}\r\n\r\n${body}`,
    )
    return socket
  }

  it('answers 429 when too many requests are in flight, and goes on when they are done', async () => {
    const held = [await begin('/mutate', 'content-length: 9'), await begin('/mutate', 'content-length: 9')]
    await inFlight(2)
    expect(await post('/mutate')).to.include({ status: 429 })
    expect(admission.log()).to.include('"code":"overloaded"')
    for (const socket of held) socket.destroy()
    await inFlight(0)
    expect(await post('/mutate')).to.include({ status: 200 })
  })

  it('answers 429 when the bodies in flight are too large together, and takes an unknown length for the largest', async () => {
    const held = await begin('/mutate', 'transfer-encoding: chunked', '1\r\n{\r\n')
    await inFlight(1)
    const second = await begin('/mutate', `content-length: ${2 * 1024 * 1024}`)
    const [answer] = (await once(second, 'data')) as [Buffer]
    expect(answer.toString()).to.match(/^HTTP\/1\.1 429 /)
    held.destroy()
    second.destroy()
  })

  it('answers 413 as soon as a body without a length is too large, and goes on with the connection', async () => {
    const socket = await begin('/mutate', 'transfer-encoding: chunked', '')
    const chunk = `100000\r\n${'x'.repeat(1024 * 1024)}\r\n`
    for (let megabytes = 0; megabytes < 9; megabytes += 1) socket.write(chunk)
    const [refusal] = (await once(socket, 'data')) as [Buffer]
    expect(refusal.toString()).to.match(/^HTTP\/1\.1 413 /)
    socket.write(
      '0\r\n\r\nPOST /mutate HTTP/1.1\r\nhost: webhook\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}',
    )
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).to.match(/^HTTP\/1\.1 200 /)
    socket.destroy()
  })

  it('answers 413 before a body comes that says it is too large', async () => {
    const socket = await begin('/mutate', `content-length: ${8 * 1024 * 1024 + 1}`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).to.match(/^HTTP\/1\.1 413 /)
    socket.destroy()
  })

  it('answers 408 shortly before the API server gives up, and closes the connection', async () => {
    const started = performance.now()
    const socket = await begin('/mutate?timeout=1s', 'content-length: 9')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(performance.now() - started).to.be.at.least(850)
    expect(answer.toString()).to.match(/^HTTP\/1\.1 408 [\s\S]*connection: close/i)
    // What comes too late is not decided.
    socket.write('"a":1} ')
    await once(socket, 'close')
    expect(handled).to.equal(0)
    await inFlight(0)
  })

  it('tells a body that ended early or is compressed from a defect of its own', async () => {
    const gone = await begin('/mutate', 'content-length: 9')
    await inFlight(1)
    gone.destroy()
    await until('a line about it', () => admission.log().includes('"code":"unreadable"'))
    const zipped = await begin('/mutate', 'content-encoding: gzip\r\ncontent-length: 1')
    const [answer] = (await once(zipped, 'data')) as [Buffer]
    expect(answer.toString()).to.match(/^HTTP\/1\.1 400 /)
    expect(admission.log()).not.to.include('"code":"internal"')
    zipped.destroy()
  })

  it('takes another certificate into use for new connections, without touching those that are open', async () => {
    const other = await createTestAuthority('another')
    const open = await begin('/mutate', 'content-length: 2')
    installCertificate(admission.server, await other.issue(['127.0.0.1']))
    expect(await postJson(`https://127.0.0.1:${port}/mutate`, '{}', other.ca)).to.include({ status: 200 })
    expect(await post('/mutate').catch(String)).to.match(/certificate/)
    open.write('}')
    const [answer] = (await once(open, 'data')) as [Buffer]
    expect(answer.toString()).to.match(/^HTTP\/1\.1 200 /)
    open.destroy()
  })
})
