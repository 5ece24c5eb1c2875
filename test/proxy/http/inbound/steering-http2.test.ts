import { once } from 'node:events'
import { connect as connectHttp2, createSecureServer } from 'node:http2'
import type { ClientHttp2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect } from 'chai'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import type { TestAuthority } from '../../../support/certificates.ts'
import { ask, open } from '../../../support/proxy/http2-client.ts'
import { openPodAuthority } from '../../../support/proxy/interception.ts'
import type { TestPodAuthority } from '../../../support/proxy/interception.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { TEST_TOKEN } from '../../../support/proxy/tokens.ts'
import { observe } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

const HOST = 'api.partner.example'
const OTHER = 'other.partner.example'

describe('HTTP/2 on ports that the names of partners lead to', () => {
  let partners: TestAuthority
  let pod: TestPodAuthority
  let partner: Upstream
  let proxy: TestProxy
  let session: ClientHttp2Session | undefined
  const seen: { readonly headers: IncomingHttpHeaders; readonly stream: ServerHttp2Stream }[] = []

  before(async () => {
    partners = await createTestAuthority()
    pod = await openPodAuthority(HOST)
    const server = createSecureServer(await partners.issue([HOST, OTHER]))
    server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      stream.on('error', () => undefined)
      seen.push({ headers, stream })
      if (headers[':path'] === '/held') return
      stream.respond({ ':status': 200 })
      stream.pipe(stream)
    })
    partner = await observe(server)
  })
  after(() => partner.close())
  beforeEach(async () => {
    proxy = await startTestProxy({
      ca: partners.ca,
      authority: pod,
      steered: [80, partner.port],
      routes: [{ hosts: [authority()], https: 'intercept' }, { hosts: [`${OTHER}:${partner.port}`] }],
    })
  })
  afterEach(async () => {
    session?.destroy()
    session = undefined
    seen.length = 0
    await proxy.close()
  })
  const authority = (): string => `${HOST}:${partner.port}`
  const begin = async (host: string): Promise<ClientHttp2Session> => {
    const socket = connect(proxy.steered(80), '127.0.0.1')
    session = connectHttp2(`http://${host}`, { createConnection: () => socket })
    session.on('error', () => undefined)
    await once(session, 'remoteSettings')
    return session
  }
  const beginSecure = async (): Promise<ClientHttp2Session> => {
    const [port, ca] = [proxy.steered(partner.port), pod.anchor]
    const socket = connectTls({ port, host: '127.0.0.1', servername: HOST, ca, ALPNProtocols: ['h2'] })
    await once(socket, 'secureConnect')
    session = connectHttp2(`https://${authority()}`, { createConnection: () => socket })
    session.on('error', () => undefined)
    await once(session, 'remoteSettings')
    return session
  }

  it('is offered by ALPN where TLS ends, and goes on to the partner with the token', async () => {
    const { status } = await ask(await beginSecure(), { ':path': '/orders' })
    expect(status).to.equal(200)
    expect(seen[0]?.headers).to.include({
      ':authority': authority(),
      ':path': '/orders',
      authorization: `Bearer ${TEST_TOKEN}`,
    })
  })

  it('is refused with 421 for another host than that of the server name', async () => {
    expect((await ask(await beginSecure(), { ':authority': OTHER })).status).to.equal(421)
    expect(seen).to.be.empty
  })

  it('is taken for granted on port 80, and each :authority is served that is a partner', async () => {
    const connection = await begin(HOST)
    expect((await ask(connection, { ':path': '/orders' })).status).to.equal(200)
    expect((await ask(connection, { ':authority': OTHER })).status).to.equal(200)
    expect(seen.map(({ headers }) => [headers[':authority'], headers['authorization']])).to.deep.equal([
      [authority(), `Bearer ${TEST_TOKEN}`],
      [`${OTHER}:${partner.port}`, `Bearer ${TEST_TOKEN}`],
    ])
  })

  for (const wrong of ['foreign.example', '127.0.0.1', `${HOST}:8080`])
    it(`is refused with 421 on port 80 for ${wrong}`, async () => {
      expect((await ask(await begin(HOST), { ':authority': wrong })).status).to.equal(421)
      expect(seen).to.be.empty
    })

  it('finishes its streams when the proxy drains, and then the ports are closed', async () => {
    const { done } = open(await begin(HOST), { ':path': '/held' })
    await until('the request is with the partner', () => seen.length === 1)
    const drained = proxy.drain()
    await once(session as ClientHttp2Session, 'goaway')
    seen[0]?.stream.respond({ ':status': 200 })
    seen[0]?.stream.end('late')
    expect(await done).to.include({ status: 200, body: 'late' })
    await drained
  })
})
