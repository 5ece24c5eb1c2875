import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { createAdminServer, createMetrics, notReady, okReply } from '../../../proxy/src/runtime/index.ts'

describe('admin server', () => {
  let server: Server
  let base = ''
  before(async () => {
    server = createAdminServer({
      'GET /livez': () => okReply,
      'GET /readyz': () => notReady('no token yet'),
      'PUT /log-level': () => okReply,
      'GET /broken': () => Promise.reject(new Error('secret detail')),
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => server.close())

  const cases: [string, string, number, string][] = [
    ['GET', '/livez', 200, 'ok\n'],
    ['GET', '/livez?x=1', 200, 'ok\n'],
    ['HEAD', '/livez', 200, ''],
    ['GET', '/readyz', 503, 'no token yet\n'],
    ['POST', '/livez', 405, '/livez allows GET\n'],
    ['GET', '/log-level', 405, '/log-level allows PUT\n'],
    ['GET', '/constructor', 404, 'paths here: GET /livez, GET /readyz, PUT /log-level, GET /broken\n'],
    ['GET', '/broken', 500, 'internal error\n'],
  ]
  for (const [method, path, status, body] of cases) {
    it(`answers ${method} ${path} with ${status}`, async () => {
      const response = await fetch(`${base}${path}`, { method })
      expect(response.status).to.equal(status)
      expect(await response.text()).to.equal(body)
      expect(response.headers.get('cache-control')).to.equal('no-store')
    })
  }
})

describe('metrics', () => {
  const TABLE = {
    requests: { type: 'counter', name: 'outbound_jwt_requests_total', help: 'Requests.', labels: ['code'] },
    inflight: { type: 'gauge', name: 'outbound_jwt_inflight', help: 'In flight.', labels: [] },
    seconds: { type: 'histogram', name: 'outbound_jwt_seconds', help: 'Seconds.', labels: ['rule'], buckets: [1, 2] },
    sizes: { type: 'histogram', name: 'outbound_jwt_sizes', help: 'Sizes.', labels: [] },
  } as const

  it('renders what was recorded', async () => {
    const { instruments, render } = createMetrics(TABLE)
    const requests = instruments.requests.with({ code: '200' })
    requests.add()
    requests.add(2)
    const inflight = instruments.inflight.with({})
    inflight.set(5)
    inflight.add(-1)
    instruments.seconds.with({ rule: 'a' }).add(1.5)
    instruments.sizes.with({}).add()
    const { body, contentType } = await render()
    expect(contentType).to.contain('text/plain')
    expect(body).to.contain('outbound_jwt_requests_total{code="200"} 3')
    expect(body).to.contain('outbound_jwt_inflight 4')
    expect(body).to.contain('outbound_jwt_seconds_bucket{le="2",rule="a"} 1')
    expect(body).to.contain('outbound_jwt_sizes_count 1')
    expect(body).to.contain('process_resident_memory_bytes')
  })

  it('costs nothing and renders nothing when switched off', async () => {
    const { instruments, render } = createMetrics(TABLE, false)
    instruments.requests.with({ code: '200' }).add()
    instruments.inflight.with({}).set(1)
    expect((await render()).body.trim()).to.equal('')
  })
})
