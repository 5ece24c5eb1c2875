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
      mostBytes: 9 * 1024 * 1024,
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

  it('answers while any number of connections announce large bodies and send nothing', async () => {
    const announced = `content-length: ${8 * 1024 * 1024}`
    const idle = await Promise.all(Array.from({ length: 20 }, () => begin('/mutate?timeout=30s', announced, '')))
    idle.push(await begin('/mutate?timeout=30s', 'transfer-encoding: chunked', ''))
    await inFlight(21)
    expect(await post('/mutate')).to.include({ status: 200 })
    const answers = await Promise.all(idle.map((socket) => once(socket, 'data')))
    for (const [answer] of answers) expect(String(answer)).to.match(/^HTTP\/1\.1 408 [\s\S]*connection: close/i)
    await inFlight(0)
    expect(admission.log()).to.include('"code":"too-slow"')
  })

  it('ends a body that trickles, long before the time the request asks for', async () => {
    const socket = await begin('/mutate?timeout=30s', 'content-length: 100000')
    const trickle = setInterval(() => socket.write('x'), 50)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    clearInterval(trickle)
    expect(answer.toString()).to.match(/^HTTP\/1\.1 408 [\s\S]*16 KiB a second/)
    socket.destroy()
  })

  it('answers 429 to the largest when the bodies that arrive are too many bytes together, and to others as ever', async () => {
    const megabytes = (count: number): string => 'x'.repeat(count * 1024 * 1024)
    const largest = await begin('/mutate', `content-length: ${8 * 1024 * 1024}`, megabytes(7))
    const second = await begin('/mutate', `content-length: ${2 * 1024 * 1024 + 2}`, `${megabytes(2)}x`)
    const [refusal] = (await once(largest, 'data')) as [Buffer]
    expect(refusal.toString()).to.match(/^HTTP\/1\.1 429 /)
    second.write('x')
    const [answer] = (await once(second, 'data')) as [Buffer]
    expect(answer.toString()).to.match(/^HTTP\/1\.1 200 /)
    expect(admission.log()).to.include('"code":"overloaded"')
    for (const socket of [largest, second]) socket.destroy()
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

  it('waits no longer than the registration says, whatever the request asks for', async () => {
    const started = performance.now()
    const socket = await begin('/mutate?timeout=30s', `content-length: ${8 * 1024 * 1024}`)
    const flow = setInterval(() => socket.write('x'.repeat(20_000)), 100)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    clearInterval(flow)
    expect(performance.now() - started).to.be.within(4_000, 10_000)
    expect(answer.toString()).to.match(/^HTTP\/1\.1 408 [\s\S]*before the API server gives up/)
    socket.destroy()
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

  describe('with client authentication', () => {
    const ask = (client?: KeyPair): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect({ port, host: '127.0.0.1', ca: authority.ca, ...client })
        socket.on('secureConnect', () =>
          socket.write(
            'POST /mutate HTTP/1.1\r\nhost: webhook\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}',
          ),
        )
        socket.once('data', (answer) => resolve(answer.toString()))
        socket.once('error', ({ message }) => resolve(message))
        socket.once('close', () => resolve('closed'))
      })

    it('answers the API server, and nobody without a certificate of its authority', async () => {
      const apiServers = await createTestAuthority('API servers')
      await admission.close()
      admission = await startAdmission({ handle: () => ({}), certificate: pair, clientCa: apiServers.ca })
      port = admission.port
      expect(await ask(await apiServers.issue(['api-server']))).to.match(/^HTTP\/1\.1 200 /)
      expect(await ask()).not.to.include('HTTP/1.1')
      expect(await ask(await authority.issue(['api-server']))).not.to.include('HTTP/1.1')
    })
  })
})
