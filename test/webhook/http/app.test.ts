import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { createApp } from '../../../webhook/src/http/app.ts'
import type { Routes } from '../../../webhook/src/http/routes.ts'
import { createRoutes } from '../../../webhook/src/http/routes.ts'

const ADMISSION_PATHS = 'paths here: POST /mutate, POST /mutate/namespace, POST /warn, POST /warn/namespace\n'

describe('the paths of the webhook', () => {
  let server: Server | undefined
  let reason: string | undefined
  let renderMetrics = (): Promise<{ contentType: string; body: string }> =>
    Promise.resolve({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' })
  const routes = (): Routes =>
    createRoutes({
      review: (mode) => (_request, response) => void response.end(mode),
      warn: (mode) => (_request, response) => void response.end(`warn ${mode}`),
      notReadyReason: () => reason,
      renderMetrics: () => renderMetrics(),
    })
  afterEach(() => {
    server?.closeAllConnections()
    server?.close()
  })
  async function ask(port: keyof Routes, method: string, path: string): Promise<Response> {
    server = createServer(createApp(routes()[port])).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { method })
  }

  for (const [port, method, path, status, body] of [
    ['admin', 'GET', '/livez', 200, 'ok\n'],
    ['admin', 'HEAD', '/livez', 200, ''],
    ['admin', 'GET', '/readyz?verbose', 200, 'ok\n'],
    ['admin', 'GET', '/metrics', 200, 'up 1\n'],
    ['admin', 'POST', '/livez', 405, '/livez allows GET\n'],
    ['admin', 'POST', '/mutate', 404, 'paths here: GET /livez, GET /readyz, GET /metrics\n'],
    ['admin', 'GET', '/livez/', 404, 'paths here: GET /livez, GET /readyz, GET /metrics\n'],
    ['admission', 'POST', '/mutate?timeout=5s', 200, 'pod'],
    ['admission', 'POST', '/mutate/namespace', 200, 'namespace'],
    ['admission', 'POST', '/warn?timeout=2s', 200, 'warn pod'],
    ['admission', 'POST', '/warn/namespace', 200, 'warn namespace'],
    ['admission', 'GET', '/mutate', 405, '/mutate allows POST\n'],
    ['admission', 'GET', '/metrics', 404, ADMISSION_PATHS],
  ] as const) {
    it(`are ${status} for ${method} ${path} on the ${port} port`, async () => {
      const response = await ask(port, method, path)
      expect(response.status).to.equal(status)
      expect(await response.text()).to.equal(body)
      expect(response.headers.has('allow')).to.equal(status === 405)
      expect([...response.headers.keys()]).not.to.include.oneOf(['x-powered-by', 'etag'])
    })
  }

  it('say why the webhook is not ready, with 503', async () => {
    reason = 'draining'
    const response = await ask('admin', 'GET', '/readyz')
    expect(response.status).to.equal(503)
    expect(await response.text()).to.equal('draining\n')
  })

  it('are 500 without a word about the defect when a handler throws', async () => {
    renderMetrics = () => Promise.reject(new Error('a defect'))
    const response = await ask('admin', 'GET', '/metrics')
    expect(response.status).to.equal(500)
    expect(await response.text()).to.equal('internal error\n')
  })
})
