import { once } from 'node:events'
import { createSecureServer } from 'node:http2'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { get } from 'node:https'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { WebSocketServer } from 'ws'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { readConfig } from '../../../../proxy/src/config.ts'
import { LIMITS } from '../../../../proxy/src/http/limits.ts'
import { createMemoryBudget } from '../../../../proxy/src/http/memory.ts'
import { createEgressAgents, getBy } from '../../../../proxy/src/http/outbound/egress-agents.ts'
import { createEndpointClient } from '../../../../proxy/src/http/outbound/token-endpoints.ts'
import type { Upstreams } from '../../../../proxy/src/http/outbound/upstreams.ts'
import { createUpstreams } from '../../../../proxy/src/proxy.ts'
import { createTestAuthority } from '../../../support/certificates.ts'
import type { TestAuthority } from '../../../support/certificates.ts'
import { MISSING_PROXIES, startSquid, startTinyproxy } from '../../../support/egress/proxies.ts'
import type { RunningEgressProxy } from '../../../support/egress/proxies.ts'
import { call, errorOf, read } from '../../../support/proxy/client.ts'
import { ask, secureHttp2 } from '../../../support/proxy/http2-client.ts'
import { openPodAuthority, secureThrough } from '../../../support/proxy/interception.ts'
import type { TestPodAuthority } from '../../../support/proxy/interception.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { TEST_TOKEN } from '../../../support/proxy/tokens.ts'
import { connectThrough } from '../../../support/proxy/tunnel.ts'
import { observe, startRawUpstream, startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { chat } from '../../../support/proxy/websocket.ts'
import { until } from '../../../support/until.ts'

const PARTNER = 'api.partner.example'
const INTERCEPTED = 'intercepted.partner.example'
const PLAIN = 'plain.example'
const NAMES = [PARTNER, INTERCEPTED, PLAIN]
/** tinyproxy takes no white space in a password. */
const CREDENTIALS = { user: 'orders', password: 'cG9uaWVz' }

interface World {
  readonly port: number
  /** Of the URL. */
  readonly scheme: 'http' | 'https'
  readonly credentials?: typeof CREDENTIALS
  /** What was asked of the first of the proxies. */
  log(): string
  /** What was asked of the last, which alone can resolve a name. */
  resolved(): string
  close(): Promise<void>
}

const squid = (proxy: RunningEgressProxy, rest: Pick<World, 'scheme' | 'credentials'>): World => ({
  ...rest,
  port: proxy.port,
  log: () => proxy.log(),
  resolved: () => proxy.log(),
  close: () => proxy.close(),
})

async function startTinyproxyWorld(credentials?: typeof CREDENTIALS): Promise<World> {
  const parent = await startSquid({ names: NAMES })
  const proxy = await startTinyproxy({ parentPort: parent.port, ...(credentials && { credentials }) })
  return {
    port: proxy.port,
    scheme: 'http',
    ...(credentials && { credentials }),
    log: () => proxy.log(),
    resolved: () => parent.log(),
    close: async () => {
      await Promise.all([proxy.close(), parent.close()])
    },
  }
}

const WORLDS: Readonly<Record<string, (authority: TestAuthority) => Promise<World>>> = {
  squid: async () => squid(await startSquid({ names: NAMES }), { scheme: 'http' }),
  'squid that wants a password': async () =>
    squid(await startSquid({ names: NAMES, credentials: CREDENTIALS }), { scheme: 'http', credentials: CREDENTIALS }),
  'squid behind TLS that wants a password': async (authority) => {
    const certificate = await authority.issue(['127.0.0.1'])
    return squid(await startSquid({ names: NAMES, credentials: CREDENTIALS, certificate }), {
      scheme: 'https',
      credentials: CREDENTIALS,
    })
  },
  'tinyproxy in front of squid': () => startTinyproxyWorld(),
  'tinyproxy that wants a password': () => startTinyproxyWorld(CREDENTIALS),
}

for (const [name, start] of Object.entries(WORLDS))
  describe(`the egress proxy ${name}`, () => {
    let partners: TestAuthority
    let pod: TestPodAuthority
    let partner: Upstream
    let plain: Upstream
    let raw: Upstream
    let world: World
    let proxy: TestProxy
    let upstreams: Upstreams
    const seen: { readonly path: string | undefined; readonly headers: IncomingMessage['headers'] }[] = []

    before(async function () {
      if (MISSING_PROXIES.length > 0) this.skip()
      partners = await createTestAuthority()
      pod = await openPodAuthority(INTERCEPTED)
      const answer = (incoming: IncomingMessage, reply: ServerResponse): void => {
        seen.push({ path: incoming.url, headers: incoming.headers })
        if (incoming.method === 'POST') incoming.pipe(reply)
        else reply.end('{"said":"hello"}')
      }
      const server = createSecureServer({ ...(await partners.issue([PARTNER, INTERCEPTED])), allowHTTP1: true })
      server.on('request', (incoming, reply) =>
        answer(incoming as unknown as IncomingMessage, reply as unknown as ServerResponse),
      )
      const sockets = new WebSocketServer({ noServer: true })
      server.on('upgrade', (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
        seen.push({ path: incoming.url, headers: incoming.headers })
        sockets.handleUpgrade(incoming, socket, head, (client) => {
          client.on('message', (message) => client.send(message))
        })
      })
      partner = await observe(server)
      plain = await startUpstream(answer)
      raw = await startRawUpstream((socket) => {
        socket.write('220 ready\r\n')
        socket.pipe(socket)
      })
      world = await start(partners)
    })
    after(async () => {
      if (MISSING_PROXIES.length > 0) return
      await Promise.all([partner.close(), plain.close(), raw.close(), world.close()])
    })
    beforeEach(async () => {
      seen.length = 0
      const { credentials } = world
      const egressCredentials = credentials && ((): string => `${credentials.user}:${credentials.password}`)
      const settings = { EGRESS_PROXY: `${world.scheme}://127.0.0.1:${world.port}` }
      const routes = [
        { hosts: [`${PARTNER}:${partner.port}`] },
        { hosts: [`${INTERCEPTED}:${partner.port}`], https: 'intercept' },
      ]
      // No name resolves here, so that no connection can be direct.
      const addresses = {}
      proxy = await startTestProxy({
        settings,
        routes,
        addresses,
        ca: partners.ca,
        authority: pod,
        ...(egressCredentials && { egressCredentials }),
      })
      upstreams = createUpstreams({
        config: readConfig({ ...settings, ALLOW_LOCAL_UPSTREAMS: 'true' }),
        anchors: { common: partners.ca, byFile: new Map() },
        clientCertificates: new Map(),
        limits: LIMITS,
        memory: createMemoryBudget(0),
        resolve: (_host, _options, done) => done(Object.assign(new Error('none'), { code: 'ENOTFOUND' }), []),
        ownPorts: [],
        ownAddresses: [],
        egressCredentials,
      })
    })
    afterEach(() => proxy.close())

    it('takes a request for a partner through, with its token inside of TLS', async () => {
      for (const path of ['/orders', '/again']) {
        const answer = await call(proxy.port, `http://${PARTNER}${path}`)
        expect(answer.status, answer.body).to.equal(200)
      }
      expect(seen.map(({ path }) => path)).to.deep.equal(['/orders', '/again'])
      expect(seen[0]?.headers.authorization).to.equal(`Bearer ${TEST_TOKEN}`)
      expect(seen[0]?.headers['proxy-authorization']).to.equal(undefined)
      await proxy.close()
      await until('squid has logged it', () => world.resolved().includes(`CONNECT ${PARTNER}:${partner.port}`))
      expect(world.log() + world.resolved())
        .not.to.include(TEST_TOKEN)
        .and.not.include('/orders')
    })

    it('takes an upgraded connection to a partner through', async () => {
      const talk = await chat(proxy.port, `http://${PARTNER}/chat`)
      talk.client.send('ping')
      expect(String(await talk.next())).to.equal('ping')
      expect(seen[0]?.headers.authorization).to.equal(`Bearer ${TEST_TOKEN}`)
      talk.client.terminate()
    })

    it('takes an intercepted request through, over HTTP/1.1', async () => {
      const target = `${INTERCEPTED}:${partner.port}`
      const socket = await secureThrough(proxy.port, target, { ca: pod.anchor })
      socket.write(`GET /inside HTTP/1.1\r\nHost: ${target}\r\nConnection: close\r\n\r\n`)
      const [head] = (await once(socket, 'data')) as [Buffer]
      expect(head.toString()).to.match(/^HTTP\/1\.1 200 /)
      expect(seen[0]?.headers.authorization).to.equal(`Bearer ${TEST_TOKEN}`)
      socket.destroy()
    })

    it('takes an intercepted request through, over HTTP/2', async () => {
      const session = await secureHttp2(proxy.port, `${INTERCEPTED}:${partner.port}`, pod.anchor)
      const answer = await ask(session, { ':path': '/h2' })
      expect(answer.status).to.equal(200)
      expect(seen[0]?.headers).to.include({ ':path': '/h2', authorization: `Bearer ${TEST_TOKEN}` })
      session.destroy()
    })

    it('takes a request for a host without a rule through, whole', async () => {
      const origin = `http://${PLAIN}:${plain.port}`
      const posted = await call(proxy.port, `${origin}/`, { method: 'POST', body: 'whole' })
      expect([posted.status, posted.body]).to.deep.equal([200, 'whole'])
      // Not POST again: tinyproxy ends its connections without a word, and what may be carried out twice is not sent twice.
      const got = await call(proxy.port, `${origin}/x?y=z`)
      expect([got.status, got.body]).to.deep.equal([200, '{"said":"hello"}'])
      expect(seen.map(({ path }) => path)).to.deep.equal(['/', '/x?y=z'])
      expect(seen[0]?.headers.host).to.equal(`${PLAIN}:${plain.port}`)
      expect(seen[0]?.headers.authorization).to.equal(undefined)
      expect(seen[0]?.headers['proxy-authorization']).to.equal(undefined)
      expect(world.resolved()).to.include(`POST http://${PLAIN}:${plain.port}/`)
    })

    it('takes a request for the whole server through', async () => {
      const answer = await call(proxy.port, `http://${PLAIN}:${plain.port}`, { method: 'OPTIONS' })
      expect(answer.status).to.equal(200)
    })

    it('takes a tunnel through, whoever speaks first', async () => {
      const { status, socket } = await connectThrough(proxy.port, `${PLAIN}:${raw.port}`)
      expect(status).to.equal(200)
      let heard = ''
      socket.on('data', (chunk: Buffer) => (heard += chunk.toString()))
      socket.write('EHLO\r\n')
      await until('both have spoken', () => heard === '220 ready\r\nEHLO\r\n')
      socket.destroy()
      await until('squid has logged it', () => world.resolved().includes(`CONNECT ${PLAIN}:${raw.port}`))
    })

    it('takes calls of token endpoints through', async () => {
      const endpoint = createEndpointClient({ upstreams, anchors: new Map(), nowMs: Date.now })
      const url = `https://${PARTNER}:${partner.port}/token`
      const answer = await endpoint({ url, headers: {}, body: 'subject' } as never, AbortSignal.timeout(5_000))
      expect(answer).to.deep.include({ status: 200, body: 'subject' })
    })

    it('takes calls of other HTTP clients through, as those of STS are', async () => {
      const { httpsAgent } = createEgressAgents((host, port) => upstreams.egressTo(host, port))
      const url = `https://${PARTNER}:${partner.port}/sts`
      const outgoing = get(url, { agent: httpsAgent, ca: partners.ca })
      const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
      expect(await read(incoming)).to.deep.include({ status: 200, body: '{"said":"hello"}' })
      httpsAgent.destroy()
    })

    it('takes a document of an issuer without TLS through, as doctor reads it', async () => {
      const agents = createEgressAgents((host, port) => upstreams.egressTo(host, port))
      const url = `http://${PLAIN}:${plain.port}/.well-known/openid-configuration`
      const { status, body } = await getBy(agents)(url, AbortSignal.timeout(5_000))
      expect([status, await text(body)]).to.deep.equal([200, '{"said":"hello"}'])
      expect(seen[0]?.path).to.equal('/.well-known/openid-configuration')
      agents.httpAgent.destroy()
      await until('squid has logged it', () => world.resolved().includes(`CONNECT ${PLAIN}:${plain.port}`))
    })

    it('says when a name does not exist', async () => {
      const answer = await call(proxy.port, `http://${PARTNER}/`)
      expect(answer.status).to.equal(200)
      const { status, body } = await connectThrough(proxy.port, 'absent.example:443')
      expect(status).to.equal(502)
      expect(errorOf({ body }).code).to.equal('egress_proxy_failed')
    })
  })
