import type { RequestListener } from 'node:http'
import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { fetchDocument } from '../../../proxy/src/doctor/fetch.ts'
import type { Upstream } from '../../support/proxy/upstream.ts'
import { startUpstream } from '../../support/proxy/upstream.ts'

describe('reading a document of an issuer', () => {
  let server: Upstream | undefined
  afterEach(async () => {
    await server?.close()
    server = undefined
  })

  const read = async (listener: RequestListener, timeoutMs = 5_000): Promise<unknown> => {
    server = await startUpstream(listener)
    return fetchDocument(`http://127.0.0.1:${server.port}/x`, AbortSignal.timeout(timeoutMs))
  }

  it('gives a JSON object', async () => {
    expect(await read((_, response) => response.end('{"a": 1}'))).to.deep.equal({ ok: true, json: { a: 1 } })
  })

  const problems: Readonly<Record<string, readonly [RequestListener, string]>> = {
    'another status': [(_, response) => response.writeHead(503).end('{"a": 1}'), 'status 503'],
    'a redirect, which relying parties do not follow either': [
      (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
      'status 302',
    ],
    HTML: [(_, response) => response.end('<html>'), 'the answer is not a JSON object'],
    'a list': [(_, response) => response.end('[1]'), 'the answer is not a JSON object'],
    nothing: [(_, response) => response.end(), 'the answer is not a JSON object'],
    'more than 64 KiB': [
      (_, response) => response.end(JSON.stringify({ a: 'x'.repeat(70_000) })),
      'more than 65536 bytes',
    ],
    'a reset': [(request) => request.socket.resetAndDestroy(), 'ECONNRESET'],
  }
  for (const [what, [listener, problem]] of Object.entries(problems))
    it(`names the problem with ${what}`, async () => {
      expect(await read(listener)).to.deep.equal({ ok: false, problem })
    })

  it('ends in time without an answer', async () => {
    expect(await read(() => undefined, 50)).to.deep.equal({ ok: false, problem: 'no answer in time' })
  })

  it('ends in time in the middle of one', async () => {
    const answer = await read((_, response) => response.write('{'), 50)
    expect(answer).to.deep.equal({ ok: false, problem: 'no answer in time' })
  })

  it('says in words that there is nothing to fetch where an issuer is no URL of the web', async () => {
    const send = (): Promise<never> => expect.fail('nothing is to be sent')
    for (const url of ['kubernetes/serviceaccount/x', 'ftp://issuer.example/x', 'file:///x', 'http://'])
      for (const by of [undefined, send])
        expect(await fetchDocument(url, AbortSignal.timeout(5_000), by), url).to.deep.equal({
          ok: false,
          problem: 'not an http:// or https:// URL',
        })
  })
})
