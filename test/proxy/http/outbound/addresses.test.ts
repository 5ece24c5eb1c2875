import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import { call, errorOf } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy, TestProxyOptions } from '../../../support/proxy/proxy.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'

const HOST = 'api.partner.example'

describe('addresses the proxy connects to', () => {
  let upstream: Upstream
  let partner: Upstream
  let ca = ''
  let proxy: TestProxy
  before(async () => {
    const authority = await createTestAuthority()
    ca = authority.ca
    upstream = await startUpstream((_, reply) => void reply.end('ok'))
    partner = await startUpstream((_, reply) => void reply.end('ok'), await authority.issue([HOST]))
  })
  after(() => Promise.all([upstream.close(), partner.close()]))
  afterEach(() => proxy.close())
  const start = async (options: TestProxyOptions): Promise<void> => {
    proxy = await startTestProxy({ ca, routes: [{ hosts: [`${HOST}:${partner.port}`] }], ...options })
  }
  const codeOf = async (url: string): Promise<string> => {
    const answer = await call(proxy.port, url)
    return answer.status === 200 ? 'ok' : errorOf(answer).code
  }

  const literals: readonly (readonly [host: string, code: string])[] = [
    ['169.254.169.254', 'address_denied'],
    ['169.254.170.2', 'address_denied'],
    ['169.254.170.23', 'address_denied'],
    ['[fd00:ec2::254]', 'address_denied'],
    ['[fd00:ec2::23]', 'address_denied'],
    ['[FD00:0EC2:0:0:0:0:0:254]', 'address_denied'],
    ['[::ffff:169.254.169.254]', 'address_denied'],
    ['[::ffff:a9fe:a9fe]', 'address_denied'],
    ['[64:ff9b::169.254.169.254]', 'address_denied'],
    ['2852039166', 'bad_request_target'],
    ['0xa9fea9fe', 'bad_request_target'],
    ['0251.0376.0251.0376', 'bad_request_target'],
    ['169.254.43518', 'bad_request_target'],
    ['127.1', 'bad_request_target'],
    ['0x7f.1', 'bad_request_target'],
    ['127.0.0.1.', 'ok'],
    ['127.0.0.1', 'ok'],
    ['localhost', 'ok'],
  ]
  for (const [host, code] of literals)
    it(`says ${code} to http://${host}/`, async () => {
      await start({})
      expect(await codeOf(`http://${host}:${upstream.port}/`)).to.equal(code)
    })

  it('never reaches a port of its own, under any name', async () => {
    await start({})
    const own = `:${proxy.port}/`
    for (const host of ['127.0.0.1', '127.0.0.2', '0.0.0.0', '[::1]', '[::]', '[::ffff:127.0.0.1]', 'a.example'])
      expect(await codeOf(`http://${host}${own}`), host).to.equal('address_denied')
  })

  it('refuses a name that resolves only to what is refused', async () => {
    const addresses = { 'meta.example': ['169.254.169.254', 'fd00:ec2::254', '::ffff:169.254.170.2', 'nonsense'] }
    await start({ addresses })
    expect(await codeOf(`http://meta.example:${upstream.port}/`)).to.equal('address_denied')
    expect(await codeOf(`https://meta.example:${upstream.port}/`)).to.equal('address_denied')
  })

  it('skips what is refused among the addresses of a name', async () => {
    await start({ addresses: { 'mixed.example': ['169.254.169.254', '127.0.0.1', 'fd00:ec2::23'] } })
    expect(await codeOf(`http://mixed.example:${upstream.port}/`)).to.equal('ok')
  })

  it('resolves once per connection and connects to what it checked', async () => {
    const answers = [['127.0.0.1'], ['169.254.169.254'], ['169.254.169.254']]
    await start({
      addresses: {
        get 'rebound.example'() {
          return answers.shift() ?? []
        },
      },
    })
    expect(await codeOf(`http://rebound.example:${upstream.port}/`)).to.equal('ok')
    expect(answers).to.have.lengthOf(2)
    expect(await codeOf(`http://rebound.example:${upstream.port}/`), 'the connection is reused').to.equal('ok')
    for (const socket of upstream.sockets) socket.destroy()
    expect(await codeOf(`http://rebound.example:${upstream.port}/`)).to.equal('address_denied')
  })

  it('tries the next address when one does not answer', async () => {
    await start({ addresses: { 'two.example': ['127.0.0.3', '127.0.0.1'] } })
    expect(await codeOf(`http://two.example:${upstream.port}/`)).to.equal('ok')
  })

  it('says when a name does not resolve', async () => {
    await start({ addresses: {} })
    expect(await codeOf(`http://nowhere.example:${upstream.port}/`)).to.equal('upstream_dns_failed')
  })

  it('refuses loopback to rule hosts', async () => {
    const before = partner.accepted()
    await start({ settings: { ALLOW_LOCAL_UPSTREAMS: 'false' } })
    expect(await codeOf(`http://${HOST}/`)).to.equal('address_denied')
    await proxy.close()
    await start({
      settings: { ALLOW_LOCAL_UPSTREAMS: 'false' },
      addresses: { [HOST]: ['::1', '0.0.0.0', '127.9.9.9'] },
    })
    expect(await codeOf(`http://${HOST}/`)).to.equal('address_denied')
    expect(partner.accepted()).to.equal(before)
    await proxy.close()
    await start({})
    expect(await codeOf(`http://${HOST}/`)).to.equal('ok')
  })
})
