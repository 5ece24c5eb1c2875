import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { followClientCertificates, readClientCertificates } from '../../proxy/src/client-certificates.ts'
import { readConfig } from '../../proxy/src/config.ts'
import { METRICS } from '../../proxy/src/metrics.ts'
import { SettingsError, createLogger, createMetrics } from '../../proxy/src/runtime/index.ts'
import { captureStream } from '../support/capture.ts'
import { createTestAuthority } from '../support/certificates.ts'
import type { IssueOptions, KeyPair, TestAuthority } from '../support/certificates.ts'
import { call, errorOf } from '../support/proxy/client.ts'
import { open, secureHttp2 } from '../support/proxy/http2-client.ts'
import { openPodAuthority } from '../support/proxy/interception.ts'
import { HAS_NGINX, startNginx } from '../support/proxy/nginx.ts'
import type { Nginx } from '../support/proxy/nginx.ts'
import { startOpensslServer } from '../support/proxy/openssl.ts'
import { startTestProxy } from '../support/proxy/proxy.ts'
import type { TestProxy } from '../support/proxy/proxy.ts'
import { startUpstream } from '../support/proxy/upstream.ts'
import type { Upstream } from '../support/proxy/upstream.ts'
import { chat } from '../support/proxy/websocket.ts'
import { runLoad } from '../support/stack/load.ts'
import { until } from '../support/until.ts'
import { WebSocketServer } from 'ws'

const HOST = 'api.partner.example'
const DAY_MS = 86_400_000
const read = (path: string): string => readFileSync(path, 'utf8')

let partners: TestAuthority
let clients: TestAuthority
let server: KeyPair
let directory: string
before(async () => {
  partners = await createTestAuthority('partners')
  clients = await createTestAuthority('clients')
  server = await partners.issue([HOST, 'other.partner.example'])
})
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-client-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

/** Each file is replaced whole, the certificate first: in between they do not belong together. */
function mount({ cert, key }: KeyPair): void {
  for (const [name, text] of [
    ['tls.crt', cert],
    ['tls.key', key],
  ] as const) {
    writeFileSync(join(directory, `${name}.new`), text)
    renameSync(join(directory, `${name}.new`), join(directory, name))
  }
}
const issue = (name: string, options?: IssueOptions): Promise<KeyPair> => clients.issue([name], options)

interface World {
  readonly proxy: TestProxy
  /** What applications trust. */
  readonly anchor: string
  readonly log: () => string
  readonly metrics: () => Promise<string>
  close(): Promise<void>
}

/** A proxy whose first route shows the certificate in `directory`, and follows it as the product does. */
async function startProxy(port: number, others: readonly object[] = []): Promise<World> {
  const authority = await openPodAuthority(HOST)
  const routes = [{ hosts: [`${HOST}:${port}`], https: 'intercept', clientCertificateDir: directory }, ...others]
  const config = readConfig({ ROUTES: JSON.stringify(routes), TRUST_DIR: '/t', AUTHORITY_DIR: '/a' })
  const clientCertificates = readClientCertificates(config, read)
  const proxy = await startTestProxy({ ca: partners.ca, authority, routes, clientCertificates })
  const capture = captureStream()
  const metrics = createMetrics(METRICS)
  const stop = followClientCertificates(clientCertificates, {
    routes: config.routes,
    renew: (renewed) => proxy.renew(renewed),
    read,
    pollMs: 5,
    now: Date.now,
    log: createLogger({ level: 'info', format: 'json', stream: capture.stream }),
    instruments: metrics.instruments,
  })
  return {
    proxy,
    anchor: authority.anchor,
    log: () => capture.text(),
    metrics: async () => (await metrics.render()).body,
    close: () => {
      stop()
      return proxy.close()
    },
  }
}

describe(`a client certificate shown to nginx${HAS_NGINX ? '' : ' (nginx is not installed)'}`, () => {
  let nginx: Nginx
  let world: World | undefined
  before(async function () {
    if (!HAS_NGINX) this.skip()
    nginx = await startNginx({ ...server, clientCa: clients.ca })
  })
  afterEach(async () => {
    await world?.close()
    world = undefined
  })
  after(() => (HAS_NGINX ? nginx.close() : undefined))

  const send = async (): Promise<readonly [number, string]> => {
    const { status, body } = await call(world?.proxy.port ?? 0, `http://${HOST}:${nginx.port}/`)
    return [status, /<title>(.*)<\/title>/.exec(body)?.[1] ?? body]
  }
  const sendHttp2 = async (): Promise<string> => {
    if (!world) return expect.fail('no proxy')
    const session = await secureHttp2(world.proxy.port, `${HOST}:${nginx.port}`, world.anchor)
    const { body } = await open(session, { ':path': '/', ':authority': `${HOST}:${nginx.port}` }).done
    session.destroy()
    return body
  }

  it('lets the request in', async () => {
    mount(await issue('orders'))
    world = await startProxy(nginx.port)
    expect(await send()).to.deep.equal([200, 'SUCCESS CN=orders HTTP/1.1'])
  })

  it('lets requests over HTTP/2 in', async () => {
    mount(await issue('orders'))
    world = await startProxy(nginx.port)
    expect(await sendHttp2()).to.equal('SUCCESS CN=orders HTTP/2.0')
  })

  it('is missed by nginx with a 400 of its own, where the route has none', async () => {
    mount(await issue('orders'))
    world = await startProxy(1, [{ hosts: [`other.partner.example:${nginx.port}`] }])
    const { status, body } = await call(world.proxy.port, `http://other.partner.example:${nginx.port}/`)
    expect([status, body.includes('No required SSL certificate was sent')]).to.deep.equal([400, true])
  })

  it('is refused by nginx with a 400 of its own, when another authority issued it', async () => {
    mount(await (await createTestAuthority('strangers')).issue(['orders']))
    world = await startProxy(nginx.port)
    expect(await send()).to.deep.equal([400, '400 The SSL certificate error'])
  })

  it('is refused by nginx with a 400 of its own, when it has expired, which the log says as well', async () => {
    mount(await issue('orders', { notAfter: new Date(Date.now() - 1000) }))
    world = await startProxy(nginx.port)
    expect(await send()).to.deep.equal([400, '400 The SSL certificate error'])
    expect(world.log()).to.match(/"level":"warn".*"msg":"certificate has expired".*tls\.crt expired on/)
  })

  it('is replaced for connections to come, over HTTP/1.1 and HTTP/2', async () => {
    mount(await issue('first'))
    world = await startProxy(nginx.port)
    expect([(await send())[1], await sendHttp2()]).to.deep.equal([
      'SUCCESS CN=first HTTP/1.1',
      'SUCCESS CN=first HTTP/2.0',
    ])
    const notAfter = new Date(Math.floor(Date.now() / 1000) * 1000 + 5 * DAY_MS)
    mount(await issue('second', { notAfter }))
    await until('it is in use', () => world?.log().includes('certificate in use') ?? false)
    expect([(await send())[1], await sendHttp2()]).to.deep.equal([
      'SUCCESS CN=second HTTP/1.1',
      'SUCCESS CN=second HTTP/2.0',
    ])
    expect(await world.metrics()).to.match(
      new RegExp(
        `^outbound_jwt_client_certificate_expiry_timestamp_seconds\\{route="${HOST}:${nginx.port}"\\} ${notAfter.getTime() / 1000}$`,
        'm',
      ),
    )
  })

  it('is replaced under load without a failed request', async () => {
    const pairs = await Promise.all(Array.from({ length: 10 }, (_, index) => issue(`client-${index}`)))
    mount(pairs[0] as KeyPair)
    world = await startProxy(nginx.port)
    const { proxy, log } = world
    let isOver = false
    const load = runLoad({
      proxyPort: proxy.port,
      url: `http://${HOST}:${nginx.port}/`,
      requests: Number.POSITIVE_INFINITY,
      concurrency: 16,
      proceed: () => !isOver,
    })
    const used = (): number => log().match(/certificate in use/g)?.length ?? 0
    for (const [index, pair] of pairs.entries()) {
      mount(pair)
      await until('it is in use', () => used() >= index)
    }
    isOver = true
    expect(Object.keys(await load)).to.deep.equal(['200'])
    expect(await send()).to.deep.equal([200, 'SUCCESS CN=client-9 HTTP/1.1'])
  })

  it('stays the last good one while the files do not belong together', async () => {
    mount(await issue('first'))
    world = await startProxy(nginx.port)
    mount({ ...(await issue('second')), key: (await issue('third')).key })
    await until('it is said', () => world?.log().includes('not replaced') ?? false)
    expect(await send()).to.deep.equal([200, 'SUCCESS CN=first HTTP/1.1'])
    expect(world.log()).to.include('expected the key of the certificate in').and.not.to.include('PRIVATE')
  })

  it('is shown to no other partner, even where both have the same authorities', async () => {
    const asking = await startNginx({ ...server, clientCa: clients.ca, verify: 'optional' })
    mount(await issue('orders'))
    world = await startProxy(nginx.port, [{ hosts: [`other.partner.example:${asking.port}`] }])
    expect(await send()).to.deep.equal([200, 'SUCCESS CN=orders HTTP/1.1'])
    const { body } = await call(world.proxy.port, `http://other.partner.example:${asking.port}/`)
    await asking.close()
    expect(body).to.equal('NONE  HTTP/1.1')
  })
})

describe('a client certificate', () => {
  let partner: Pick<Upstream, 'close'>
  let world: World | undefined
  afterEach(async () => {
    await world?.close()
    await partner.close()
    world = undefined
  })

  it('is shown for upgrades, too', async () => {
    mount(await issue('orders'))
    const chats = new WebSocketServer({ noServer: true })
    const options = { ...server, ca: clients.ca, requestCert: true, rejectUnauthorized: true }
    const upstream = await startUpstream(
      () => expect.fail('no upgrade'),
      options,
      (request, socket, head) =>
        chats.handleUpgrade(request, socket, head, (opened) => {
          const secure = request.socket
          opened.send(secure instanceof TLSSocket ? String(secure.getPeerCertificate().subject.CN) : 'without TLS')
        }),
    )
    partner = upstream
    world = await startProxy(upstream.port)
    const { client, next } = await chat(world.proxy.port, `http://${HOST}:${upstream.port}/`)
    expect(String(await next())).to.equal('orders')
    client.terminate()
    await once(client, 'close')
  })

  for (const version of ['tls1_2', 'tls1_3'] as const)
    it(`that the partner ends TLS over is upstream_tls_failed, with what there is to renew (${version})`, async () => {
      mount(await issue('orders', { notAfter: new Date(Date.now() - 1000) }))
      const openssl = await startOpensslServer({ ...server, clientCa: clients.ca, version })
      partner = openssl
      world = await startProxy(openssl.port)
      const failed = await call(world.proxy.port, `http://${HOST}:${openssl.port}/`)
      expect(failed.headers['x-outbound-jwt-error']).to.equal('upstream_tls_failed')
      expect(errorOf(failed).message).to.match(/does not accept the client certificate.*\(TLS alert: .*expired\)/)
      expect(failed.body).to.match(/"hint":"Renew the Secret .*tls\.crt expired on /)
    })
})

describe('the client certificates of a configuration', () => {
  const config = (): Parameters<typeof readClientCertificates>[0] =>
    readConfig({
      ROUTES: JSON.stringify([
        { hosts: ['a.example'], clientCertificateDir: directory },
        { hosts: ['b.example'], clientCertificateDir: directory },
        { hosts: ['c.example'], clientCertificateDir: '/nowhere' },
        { hosts: ['d.example'] },
      ]),
    })

  it('must all be readable, and the message names each that is not', async () => {
    mkdirSync(directory, { recursive: true })
    mount({ ...(await issue('one')), key: (await issue('two')).key })
    const problems = ((): readonly string[] => {
      try {
        readClientCertificates(config(), read)
        return []
      } catch (error) {
        return error instanceof SettingsError ? error.problems.map(({ where, value }) => `${where} ${value}`) : []
      }
    })()
    expect(problems).to.deep.equal([
      `ROUTES[0].clientCertificateDir ${directory}/tls.key`,
      'ROUTES[2].clientCertificateDir /nowhere/tls.crt',
    ])
  })
})
