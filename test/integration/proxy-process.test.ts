import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { firstOf, mayBeFirst, startNode, startNodeFirst } from '../support/process.ts'
import type { RunningProcess } from '../support/process.ts'
import { call, keepAlive, open, read, response } from '../support/proxy/client.ts'
import { portsOf, proxyArguments } from '../support/proxy/process.ts'
import type { ProxyPorts } from '../support/proxy/process.ts'
import { startUpstream } from '../support/proxy/upstream.ts'
import type { Upstream } from '../support/proxy/upstream.ts'
import { until } from '../support/until.ts'

const BUNDLE = proxyArguments()
const ANY_PORT = '127.0.0.1:0'
/** Throws in a way of the test's choice, outside of every request. */
const DEFECT = (how: string): string => `data:text/javascript,process.on("SIGUSR2",()=>{${encodeURIComponent(how)}})`

describe('the proxy as a process', () => {
  let proxy: RunningProcess | undefined
  let upstream: Upstream | undefined
  afterEach(async () => {
    proxy?.signal('SIGKILL')
    await Promise.all([proxy?.exited, upstream?.close()])
    proxy = upstream = undefined
  })
  const environment = {
    LISTEN_ADDR: ANY_PORT,
    ADMIN_LISTEN_ADDR: ANY_PORT,
    CONTROL_LISTEN_ADDR: ANY_PORT,
    AWS_REGION: 'eu-central-1',
    // No route asks for a token; without any credentials the process would not stay.
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
  }
  const start = async (more: Record<string, string> = {}, before: readonly string[] = []): Promise<ProxyPorts> => {
    proxy = startNode([...before, ...BUNDLE], { ...environment, ...more })
    return portsOf(proxy)
  }
  const url = (path = '/'): string => `http://localhost:${upstream?.port ?? 0}${path}`

  it('listens, says where, and is started, alive and ready', async () => {
    const { admin } = await start()
    for (const path of ['/startup', '/livez', '/readyz']) expect(await get(admin, path)).to.deep.equal([200, 'ok\n'])
    expect((await get(admin, '/metrics'))[1]).to.include('outbound_jwt_requests_in_flight 0')
  })

  it('loses nothing when it is told to stop under load, and exits 0', async () => {
    upstream = await startUpstream((request, reply) => setTimeout(() => request.pipe(reply), 20))
    const { proxy: data } = await start()
    const agent = keepAlive(20)
    let told = false
    const loads = Array.from({ length: 20 }, async () => {
      const statuses: number[] = []
      for (let last = false; !last;) {
        // One more request after the signal: connections in use must still be served.
        last = told
        statuses.push((await call(data, url(), { method: 'POST', body: 'x'.repeat(5_000), agent })).status)
      }
      return statuses
    })
    await until('all are under way', () => upstream?.sockets.size === 20)
    proxy?.signal('SIGTERM')
    told = true
    const statuses = (await Promise.allSettled(loads)).flatMap((load) => {
      // A connection that was refused was never accepted; a request that was sent has its answer.
      if (load.status === 'rejected') expect(load.reason).to.have.property('code', 'ECONNREFUSED')
      return load.status === 'fulfilled' ? load.value : []
    })
    expect(new Set(statuses)).to.deep.equal(new Set([200]))
    agent.destroy()
    expect(await proxy?.exited).to.deep.equal({ status: 0, signal: null })
    expect(proxy?.output()).to.include('"drained"')
  })

  it('finishes a response that takes long, while probes say that it drains', async () => {
    let finish: (() => void) | undefined
    upstream = await startUpstream((_, reply) => {
      reply.write('first ')
      finish = () => reply.end('last')
    })
    const { proxy: data, admin } = await start()
    const outgoing = open(data, url())
    outgoing.end()
    const incoming = await response(outgoing)
    proxy?.signal('SIGTERM')
    await until('it drains', async () => (await get(admin, '/readyz'))[0] === 503)
    finish?.()
    expect((await read(incoming)).body).to.equal('first last')
    expect(await proxy?.exited).to.include({ status: 0 })
  })

  it('goes on accepting for DRAIN_DELAY, and ends each connection with its response', async () => {
    upstream = await startUpstream((_, reply) => void reply.end('ok'))
    const { proxy: data, admin } = await start({ DRAIN_DELAY: '1s' })
    proxy?.signal('SIGTERM')
    await until('it drains', async () => (await get(admin, '/readyz'))[0] === 503)
    const { status, headers } = await call(data, url())
    expect([status, headers.connection]).to.deep.equal([200, 'close'])
    expect(await proxy?.exited).to.include({ status: 0 })
  })

  it('exits 1 when requests outlast SHUTDOWN_TIMEOUT', async () => {
    upstream = await startUpstream(() => undefined)
    const { proxy: data } = await start({ SHUTDOWN_TIMEOUT: '1s' })
    const outgoing = open(data, url())
    outgoing.on('error', () => undefined).end()
    await until('the request is there', () => upstream?.sockets.size === 1)
    proxy?.signal('SIGTERM')
    expect(await proxy?.exited).to.include({ status: 1 })
    expect(proxy?.output()).to.include('shutdown timeout')
  })

  for (const [name, how] of [
    ['exception', 'throw new Error("boom")'],
    ['rejection', 'Promise.reject(new Error("boom"))'],
  ] as const)
    it(`logs an uncaught ${name} and exits 1`, async () => {
      await start({}, ['--import', DEFECT(how)])
      proxy?.signal('SIGUSR2')
      expect(await proxy?.exited).to.deep.equal({ status: 1, signal: null })
      expect(proxy?.output()).to.match(/"level":"error","msg":"fatal","error":"Error: boom/)
    })

  it('ends on SIGTERM as the first process of its namespace, where no signal has a default action', async function () {
    if (!mayBeFirst()) {
      this.test!.title += ' (left out: unshare --pid is not permitted here)'
      this.skip()
    }
    proxy = startNodeFirst(BUNDLE, environment)
    await proxy.logged('listening')
    process.kill(firstOf(proxy), 'SIGTERM')
    expect(await proxy.exited).to.include({ status: 0 })
    expect(proxy.output()).to.include('"drained"')
  })

  it('writes text when told to', async () => {
    proxy = startNode(BUNDLE, { ...environment, LOG_FORMAT: 'text' })
    await until('it listens', () => /^time=\S+ level=info msg=listening proxy=\S+/m.test(proxy?.output() ?? ''))
  })

  it('changes its log level at run time, on a port of this machine alone', async () => {
    upstream = await startUpstream((_, reply) => void reply.end('ok'))
    const { proxy: data, control } = await start()
    const change = async (level: string): Promise<[number, string]> => {
      const reply = await fetch(`http://127.0.0.1:${control}/log-level`, { method: 'PUT', body: level })
      return [reply.status, await reply.text()]
    }
    await call(data, url('/unseen'))
    expect(await get(control, '/log-level')).to.deep.equal([200, 'info\n'])
    expect(await change('debug')).to.deep.equal([200, 'debug\n'])
    await call(data, url('/seen?secret=1'))
    expect(await proxy?.logged('request')).to.include({ path: '/seen', status: 200, host: 'localhost' })
    expect(await change('loud')).to.deep.equal([400, 'expected error or warn or info or debug\n'])
    expect(await change('x'.repeat(100_000))).to.have.property('0', 400)
    expect(proxy?.output()).not.to.match(/unseen|secret/)
  })

  it('refuses to offer control beyond this machine', async () => {
    proxy = startNode(BUNDLE, { ...environment, CONTROL_LISTEN_ADDR: '0.0.0.0:0' })
    expect(await proxy.exited).to.include({ status: 64 })
    expect(proxy.output()).to.include('CONTROL_LISTEN_ADDR')
  })
})

describe('the startup probe', () => {
  const PROBE = ['dist/proxy/probe.mjs']

  it('succeeds once the proxy has started, also when that takes a while', async () => {
    let status = 503
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/startup' ? status : 404).end('waiting')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const probe = (): RunningProcess => startNode(PROBE, { ADMIN_LISTEN_ADDR: `127.0.0.1:${port}` })
    const waiting = probe()
    setTimeout(() => (status = 200), 500)
    expect(await waiting.exited).to.include({ status: 0 })
    server.close()
    await once(server, 'close')
    const early = probe()
    setTimeout(() => server.listen(port, '127.0.0.1'), 500)
    expect(await early.exited).to.include({ status: 0 })
    server.close()
  })

  it('fails after four seconds and says why', async () => {
    const probe = startNode(PROBE, { ADMIN_LISTEN_ADDR: '127.0.0.1:1' })
    expect(await probe.exited).to.include({ status: 1 })
    expect(probe.output()).to.equal('nothing listens on port 1 after 4000 ms')
  })

  it('fails at once for an address that is none', async () => {
    const probe = startNode(PROBE, { ADMIN_LISTEN_ADDR: '15401' })
    expect(await probe.exited).to.include({ status: 1 })
    expect(probe.output()).to.match(/^ADMIN_LISTEN_ADDR: expected host:port/)
  })
})

async function get(port: number, path: string): Promise<[number, string]> {
  const reply = await fetch(`http://127.0.0.1:${port}${path}`)
  return [reply.status, await reply.text()]
}
