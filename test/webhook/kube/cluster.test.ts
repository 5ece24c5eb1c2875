import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { KubeConfig } from '@kubernetes/client-node'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { WebSocketServer } from 'ws'
import type { Cluster } from '../../../webhook/src/kube/cluster.ts'
import { clusterOf } from '../../../webhook/src/kube/cluster.ts'
import type { FakeKubeApi } from '../../support/kube-api.ts'
import { sendJson, sendStatus, startFakeKubeApi } from '../../support/kube-api.ts'

describe('a cluster at a terminal', () => {
  let api: FakeKubeApi
  let cluster: Cluster
  beforeEach(async () => {
    api = await startFakeKubeApi((_request, response) => sendJson(response, 200, { a: 1 }))
    cluster = clusterOf(api.config)
  })
  afterEach(() => api.stop())
  const failure = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => expect.fail('nothing was thrown'),
      (error: unknown) => error,
    )

  it('is read and asked with the credentials of the kubeconfig', async () => {
    expect(await cluster.get('/version')).to.deep.equal({ a: 1 })
    expect(await cluster.post('/api/v1/namespaces/a/pods?dryRun=All', { kind: 'Pod' })).to.deep.equal({ a: 1 })
    expect(api.requests.map(({ method, url }) => `${method} ${url.pathname}${url.search}`)).to.deep.equal([
      'GET /version',
      'POST /api/v1/namespaces/a/pods?dryRun=All',
    ])
    expect(api.requests[1]?.body).to.equal('{"kind":"Pod"}')
    expect(api.requests[1]?.headers).to.include({ authorization: 'Bearer a-token', 'content-type': 'application/json' })
    expect(cluster.namespace).to.equal('default')
  })

  it("fails with the API server's own words, whatever the status", async () => {
    const denied = 'admission webhook "pods.outbound-jwt.io" denied the request: no'
    api.answer = (_request, response) => sendStatus(response, 400, denied)
    expect(await failure(cluster.post('/a', {}))).to.include({ code: 'rejected', message: denied })
    api.answer = (_request, response) => sendStatus(response, 403, 'no right')
    expect(await failure(cluster.get('/a'))).to.include({ code: 'forbidden', message: 'no right' })
    api.answer = (_request, response) => response.writeHead(502).end('bad gateway')
    expect(await failure(cluster.get('/a'))).to.include({
      code: 'unavailable',
      message: 'get /a: the API server answered 502',
    })
  })

  it('names the right that RBAC does not give, and none where an admission refuses', async () => {
    const lacking = async (message: string): Promise<unknown> => {
      api.answer = (_request, response) => sendStatus(response, 403, message)
      return failure(cluster.get('/a'))
    }
    const user = 'User "system:serviceaccount:shop:nobody" cannot'
    expect(
      await lacking(
        `pods "orders:15401" is forbidden: ${user} get resource "pods/proxy" in API group "" in the namespace "shop"`,
      ),
    ).to.include({ missingRight: 'get pods/proxy in namespace shop' })
    expect(
      await lacking(
        `a is forbidden: ${user} list resource "validatingadmissionpolicies" in API group "admissionregistration.k8s.io" at the cluster scope`,
      ),
    ).to.include({ missingRight: 'list validatingadmissionpolicies in the whole cluster' })
    expect(await lacking('pods "orders" is forbidden: exceeded quota: none')).to.include({ missingRight: undefined })
  })

  it('names the right to run commands, of which a refused WebSocket says nothing', async () => {
    api.answer = (_request, response) => sendStatus(response, 403, 'never read')
    expect(await failure(cluster.exec({ namespace: 'shop', pod: 'b', container: 'c' }, ['true']))).to.include({
      code: 'forbidden',
      message: 'exec in container c of pod shop/b is forbidden',
      missingRight: 'get and create pods/exec in namespace shop',
    })
  })

  it('fails when nothing answers, and when a command does not start', async () => {
    const where = { namespace: 'a', pod: 'b', container: 'c' }
    expect(await failure(cluster.exec(where, ['true'])))
      .to.have.property('message')
      .that.matches(/^exec in container c of pod a\/b: /)
    await api.stop()
    expect(await failure(cluster.get('/a'))).to.include({
      code: 'unavailable',
      message: `the API server ${api.config.getCurrentCluster()?.server ?? ''} cannot be reached: get /a: ECONNREFUSED`,
    })
    await api.start()
  })
})

describe('a command in a container', () => {
  const where = { namespace: 'shop', pod: 'orders', container: 'sidecar' }

  /** Runs a command; the API server sends these frames, each behind the number of its stream, and closes. */
  async function execute(...frames: readonly (readonly [number, string])[]): Promise<{ url: string; result: unknown }> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'v5.channel.k8s.io' })
    await once(server, 'listening')
    let url = ''
    server.on('connection', (socket, request) => {
      url = request.url ?? ''
      for (const [stream, text] of frames) socket.send(Buffer.concat([Buffer.from([stream]), Buffer.from(text)]))
      socket.close()
    })
    const config = new KubeConfig()
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    config.loadFromClusterAndUser({ name: 'a', server: address, skipTLSVerify: true }, { name: 'a' })
    try {
      const result = await clusterOf(config)
        .exec(where, ['node', '--version'])
        .catch((error: unknown) => error)
      return { url, result }
    } finally {
      server.close()
    }
  }

  it('gives what it printed and its exit status', async () => {
    const { url, result } = await execute([1, 'v2'], [1, '6\n'], [2, 'a warning\n'], [3, '{"status":"Success"}'])
    expect(url).to.contain('/api/v1/namespaces/shop/pods/orders/exec?').and.to.contain('command=node&command=--version')
    expect(result).to.deep.equal({ status: 0, stdout: 'v26\n', stderr: 'a warning\n' })
    const ended = { status: 'Failure', details: { causes: [{ reason: 'ExitCode', message: '2' }] } }
    expect((await execute([3, JSON.stringify(ended)])).result).to.include({ status: 2 })
  })

  it('fails when it did not run, or when the connection ended first', async () => {
    const missing = '{"status":"Failure","message":"container not found"}'
    expect((await execute([3, missing])).result)
      .to.have.property('message')
      .that.matches(/container not found$/)
    expect((await execute([1, 'half'])).result)
      .to.have.property('message')
      .that.matches(/the connection ended before the command did$/)
  })
})
