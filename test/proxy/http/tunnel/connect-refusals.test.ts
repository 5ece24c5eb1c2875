import { connect } from 'node:net'
import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import type { ResolveAll } from '../../../../proxy/src/http/outbound/lookup.ts'
import { errorOf } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy, TestProxyOptions } from '../../../support/proxy/proxy.ts'
import { connectThrough, readAll } from '../../../support/proxy/tunnel.ts'
import type { ConnectAnswer } from '../../../support/proxy/tunnel.ts'
import { startRawUpstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

const HOST = 'api.partner.example'
const OTHER = 'other.example'

describe('a CONNECT that is refused', () => {
  let proxy: TestProxy
  afterEach(() => proxy.close())
  const start = async (options: TestProxyOptions = {}, route: object = {}): Promise<void> => {
    proxy = await startTestProxy({ routes: [{ hosts: [`${HOST}:8443`], ...route }], ...options })
  }
  const expectRefusal = (answer: ConnectAnswer, status: number, code: string): void => {
    expect(answer.status).to.equal(status)
    expect(answer.headers).to.include({
      'x-outbound-jwt-error': code,
      'content-length': String(answer.body.length),
      connection: 'close',
    })
    expect(errorOf(answer).code).to.equal(code)
  }

  it('gets a whole response whose status line says which URL to use', async () => {
    await start()
    const answer = await connectThrough(proxy.port, `${HOST}:8443`)
    expectRefusal(answer, 403, 'use_http_url')
    expect(answer.reason).to.equal(
      `Forbidden (use_http_url: Call http://${HOST}/ instead; the proxy speaks TLS to the partner.)`,
    )
    expect(answer.headers).to.include({ 'proxy-status': 'aws-outbound-jwt-proxy; error=http_request_denied' })
    expect(proxy.log())
      .to.include('"msg":"connect refused"')
      .and.to.include(`"hint":"Call http://${HOST}/ instead; the proxy speaks TLS to the partner."`)
    expect(await proxy.metrics()).to.include('outbound_jwt_connects_total{result="use_http_url"} 1')
  })

  const cases: readonly (readonly [string, string, number, string, TestProxyOptions?])[] = [
    ['another port of a partner', `${HOST}:22`, 403, 'port_denied'],
    [
      'a host without a rule where the pod denies them',
      `${OTHER}:443`,
      403,
      'host_denied',
      { settings: { UNMATCHED: 'deny' } },
    ],
    ['the metadata address', '169.254.169.254:80', 403, 'address_denied'],
    [
      'a name of a credentials address',
      'evil.example:80',
      403,
      'address_denied',
      { addresses: { 'evil.example': ['169.254.170.23', 'fd00:ec2::23'] } },
    ],
    ['a name that does not resolve', 'nowhere.example:443', 502, 'upstream_dns_failed', { addresses: {} }],
    ['a target without a port', OTHER, 400, 'bad_request_target'],
    ['port 0', `${OTHER}:0`, 400, 'bad_request_target'],
    ['another spelling of an address', '127.1:80', 400, 'bad_request_target'],
    ['a user name', `user@${OTHER}:443`, 400, 'bad_request_target'],
  ]
  for (const [what, target, status, code, options] of cases)
    it(`refuses ${what}`, async () => {
      await start(options)
      expectRefusal(await connectThrough(proxy.port, target), status, code)
    })

  it('refuses its own port and a port where nobody listens', async () => {
    await start()
    expectRefusal(await connectThrough(proxy.port, `localhost:${proxy.port}`), 403, 'address_denied')
    const gone = await startRawUpstream(() => undefined)
    await gone.close()
    expectRefusal(await connectThrough(proxy.port, `${OTHER}:${gone.port}`), 502, 'upstream_connect_failed')
  })

  it('refuses a partner that resolves to this machine, also for https: tunnel', async () => {
    await start({ settings: { ALLOW_LOCAL_UPSTREAMS: 'false' } }, { https: 'tunnel' })
    expectRefusal(await connectThrough(proxy.port, `${HOST}:8443`), 403, 'address_denied')
  })

  it('refuses content, and more fields than a head may have', async () => {
    await start()
    for (const fields of ['Content-Length: 5\r\n', 'Transfer-Encoding: chunked\r\n'])
      expectRefusal(
        await connectThrough(proxy.port, `${HOST}:80`, { fields, early: 'hello' }),
        400,
        'ambiguous_framing',
      )
    expectRefusal(
      await connectThrough(proxy.port, `${HOST}:80`, { fields: 'a: b\r\n'.repeat(200) }),
      431,
      'headers_too_large',
    )
  })

  it('reaches a client that is still sending and reads late, and then lets go at once', async () => {
    await start()
    const socket = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.write(`CONNECT ${HOST}:8443 HTTP/1.1\r\n\r\n`)
    await new Promise((resolve) => socket.write(Buffer.alloc(1 << 20), resolve))
    await until('it was refused', async () => (await proxy.metrics()).includes('{result="use_http_url"} 1'))
    expect(await readAll(socket)).to.match(/^HTTP\/1.1 403 [^]*}\n$/)
    const begin = performance.now()
    socket.end()
    await until('the connection is gone', async () => (await proxy.connections()) === 0)
    expect(performance.now() - begin).to.be.lessThan(500)
  })

  it('gives up on a host that does not answer', async () => {
    const hanging: ResolveAll = () => undefined
    await start({ limits: { connectMs: 50 }, resolve: hanging })
    expectRefusal(await connectThrough(proxy.port, `${OTHER}:443`), 502, 'upstream_connect_failed')
  })
})
