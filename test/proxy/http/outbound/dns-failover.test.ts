import { createServer } from 'node:https'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { Limits } from '../../../../proxy/src/http/limits.ts'
import { createTestAuthority } from '../../../support/certificates.ts'
import type { TestAuthority } from '../../../support/certificates.ts'
import { call, openSocket } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { observe } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

const HOST = 'api.partner.example'
const OLD = '127.0.0.1'
const NEW = '127.0.0.2'

describe('a partner whose name gets another address', () => {
  let authority: TestAuthority
  let servers: readonly Upstream[]
  let proxy: TestProxy
  let address: string
  let release: (() => void) | undefined

  beforeEach(async () => {
    address = OLD
    release = undefined
    authority = await createTestAuthority()
    const old = await serve(OLD, 0)
    servers = [old, await serve(NEW, old.port)]
  })
  afterEach(() => Promise.all([proxy, ...servers].map((each) => each.close())))

  /** Answers with its own address; `/held` when it is told to. */
  const serve = async (host: string, port: number): Promise<Upstream> => {
    const server = createServer({ ...(await authority.issue([HOST])), keepAliveTimeout: 60_000 }, (request, reply) => {
      const answer = (): void => void reply.end(host)
      if (request.url === '/held') release = answer
      else answer()
    })
    return observe(server, { host, port })
  }
  const start = async (limits: Partial<Limits>): Promise<void> => {
    proxy = await startTestProxy({
      ca: authority.ca,
      limits,
      routes: [{ hosts: [`${HOST}:${servers[0]!.port}`] }],
      resolve: (_host, _options, done) => done(null, [{ address, family: 4 }]),
    })
  }
  const send = async (path = '/'): Promise<string> => (await call(proxy.port, `http://${HOST}${path}`)).body

  it('is called there once its connections are old, though the old address still accepts', async () => {
    await start({ upstreamAgeMs: 200 })
    const [old] = servers
    const held = send('/held')
    await until('it is in flight', () => release !== undefined)
    expect(await send()).to.equal(OLD)
    expect(old!.sockets.size).to.equal(2)
    address = NEW
    await until('the new address is called', async () => (await send()) === NEW)
    ;(await openSocket(old!.port)).destroy()
    for (let index = 0; index < 5; index++) expect(await send()).to.equal(NEW)
    expect(old!.sockets.size, 'the request in flight').to.be.at.least(1)
    release?.()
    expect(await held).to.equal(OLD)
    await until('nothing is left at the old address', () => old!.sockets.size === 0)
    expect(await send()).to.equal(NEW)
  })

  it('is called where its connections lead until then', async () => {
    await start({})
    expect(await send()).to.equal(OLD)
    address = NEW
    expect(await send()).to.equal(OLD)
    expect(servers[1]!.accepted()).to.equal(0)
  })
})
