import { once } from 'node:events'
import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { openSocket } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { startRecorder } from '../../../support/proxy/recorder.ts'
import type { Recorder } from '../../../support/proxy/recorder.ts'
import { denied, TEST_TOKEN } from '../../../support/proxy/tokens.ts'

/** Nothing is there; a CONNECT to its port 80 is answered by the proxy alone. */
const PARTNER = 'api.partner.example'

/** Requests after which their connection ends: name, the bytes for a target, and the status of the answer. */
const LAST: readonly (readonly [name: string, bytes: (url: string) => string, status: number])[] = [
  [
    'a coding below chunked',
    (url) => `POST ${url} HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n`,
    400,
  ],
  [
    'two Transfer-Encoding fields',
    (url) =>
      `POST ${url} HTTP/1.1\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n`,
    400,
  ],
  [
    'a body sent although its Expect was refused',
    (url) =>
      `POST ${url.replace('http://', 'http://user@')} HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody`,
    400,
  ],
  [
    'a body sent with an expectation that is not known',
    (url) => `POST ${url} HTTP/1.1\r\nExpect: teapot\r\nContent-Length: 4\r\n\r\nbody`,
    417,
  ],
]

/** What a client may send behind one. */
const BEHIND: readonly (readonly [name: string, bytes: (url: string) => string])[] = [
  ['a request', (url) => `DELETE ${url}/behind HTTP/1.1\r\n\r\n`],
  ['a request with a body', (url) => `POST ${url}/behind HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody`],
  ['an expectation', (url) => `POST ${url}/behind HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody`],
  ['a refused expectation', (url) => `POST ${url}/behind HTTP/1.1\r\nExpect: teapot\r\nContent-Length: 4\r\n\r\nbody`],
  ['an upgrade', (url) => `GET ${url}/behind HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`],
  [
    'a CONNECT',
    (url) => `CONNECT ${url.slice(7, -7)} HTTP/1.1\r\nHost: x\r\n\r\nGET /target/behind HTTP/1.1\r\nHost: x\r\n\r\n`,
  ],
  [
    'a CONNECT to a partner',
    () => `CONNECT ${PARTNER}:80 HTTP/1.1\r\nHost: x\r\n\r\nGET /behind HTTP/1.1\r\nHost: x\r\n\r\n`,
  ],
]

const ROUTES = { routes: [{ hosts: [PARTNER] }] }

describe('a connection that is told to end', () => {
  let recorder: Recorder
  let proxy: TestProxy
  let url = ''
  before(async () => {
    recorder = await startRecorder()
    proxy = await startTestProxy(ROUTES)
    url = `http://plain.example:${recorder.port}/target`
  })
  after(() => Promise.all([recorder.close(), proxy.close()]))
  afterEach(() => {
    recorder.reset()
    proxy.tokens.answer = () => TEST_TOKEN
  })

  for (const [first, refused, status] of LAST)
    for (const [second, behind] of BEHIND)
      for (const pieces of [1, 2])
        it(`serves nothing behind ${first}: ${second}, in ${pieces} writes, on a connection in use`, async () => {
          const answers = await speak({ port: proxy.port, url, requests: [refused(url), behind(url)], pieces })
          expect(answers).to.deep.equal(['200', String(status)])
          expect(recorder.requests.map(({ line }) => line)).to.deep.equal(['GET /target'])
          expect(recorder.bytes()).not.to.include('behind')
          expect(await tunnels(proxy)).to.equal(0)
        })

  it('serves nothing behind a request whose token is refused while the body was awaited', async () => {
    const routed = await startTestProxy(ROUTES)
    routed.tokens.answer = denied
    const expecting = `POST http://${PARTNER}/ HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody`
    const answers = await speak({
      port: routed.port,
      url,
      requests: [expecting, `DELETE ${url}/behind HTTP/1.1\r\n\r\n`],
    })
    await routed.close()
    expect(answers).to.deep.equal(['200', '502'])
    expect(recorder.bytes()).not.to.include('behind')
  })

  for (const [second, behind] of BEHIND)
    it(`serves nothing behind a request in the drain: ${second}`, async () => {
      const draining = await startTestProxy(ROUTES)
      const refused = `POST ${url.replace('http://', 'http://user@')} HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody`
      const answers = await speak({
        port: draining.port,
        url,
        requests: [refused, behind(url)],
        between: () => draining.drain(),
      })
      expect(await tunnels(draining)).to.equal(0)
      await draining.close()
      expect(answers).to.deep.equal(['200', '400'])
      expect(recorder.bytes()).not.to.include('behind')
    })
})

/** @returns how often a CONNECT was accepted. */
async function tunnels(proxy: TestProxy): Promise<number> {
  return [...(await proxy.metrics()).matchAll(/^outbound_jwt_connects_total\{result="(?:blind|plain)"/gm)].length
}

interface Spoken {
  readonly port: number
  /** Of the request that comes first. */
  readonly url: string
  /** What comes then. */
  readonly requests: readonly string[]
  /** In how many writes. */
  readonly pieces?: number
  /** Called between the two. */
  readonly between?: () => unknown
}

/** @returns the statuses of all answers, once the connection has ended. */
async function speak({ port, url, requests, pieces = 1, between }: Spoken): Promise<readonly string[]> {
  const socket = await openSocket(port)
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  socket.on('error', () => socket.destroy())
  const closed = once(socket, 'close')
  socket.setNoDelay(true)
  socket.write(`GET ${url} HTTP/1.1\r\n\r\n`)
  await once(socket, 'data')
  between?.()
  if (pieces === 1) socket.write(requests.join(''))
  else for (const request of requests) socket.write(request)
  await closed
  return [...text.matchAll(/HTTP\/1\.1 (\d\d\d)/g)].map((match) => match[1] ?? '')
}
