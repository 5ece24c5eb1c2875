import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { expect } from 'chai'
import { KubeConfig } from '@kubernetes/client-node'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { Cluster } from '../../../webhook/src/kube/cluster.ts'
import { LIMITS, clusterOf } from '../../../webhook/src/kube/cluster.ts'
import { KubeError } from '../../../webhook/src/kube/failure.ts'
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

  it('follows no redirect, with which a pod would have the caller ask for something else', async () => {
    for (const location of ['/api/v1/secrets', 'https://elsewhere.example/'])
      for (const ask of [cluster.scrape, cluster.get, (path: string) => cluster.post(path, {})]) {
        api.requests.length = 0
        api.answer = ({ url }, response) =>
          url.pathname === '/a' ? response.writeHead(302, { location }).end() : sendJson(response, 200, { secret: 1 })
        const error = await failure(ask('/a'))
        expect(error).to.be.instanceOf(KubeError)
        expect(error)
          .to.have.property('message')
          .that.matches(/^(?:get|post) \/a: the API server answered 302$/)
        expect(api.requests.map(({ url }) => url.pathname)).to.deep.equal(['/a'])
      }
  })

  it('quotes what is asked for on one line', async () => {
    api.answer = (_request, response) => response.writeHead(502).end()
    const message = /^[\x20-\x7e]+$/
    expect(await failure(cluster.get('/a\nb')))
      .to.have.property('message')
      .that.matches(message)
    const where = { namespace: 'a\nb', pod: 'a\nb', container: 'a\nb' }
    expect(await failure(cluster.exec(where, ['true'])))
      .to.have.property('message')
      .that.matches(message)
  })

  it('is asked through the proxy of the kubeconfig', async () => {
    const asked: (string | undefined)[] = []
    const proxy = createServer().on('connect', ({ url }, client) => {
      asked.push(url)
      const server = connect(Number(new URL(`http://${url}`).port), '127.0.0.1')
      client.on('error', () => server.destroy())
      server.on('error', () => client.destroy())
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      server.pipe(client).pipe(server)
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    try {
      const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
      const direct = api.config.getCurrentCluster()!
      const config = new KubeConfig()
      config.loadFromClusterAndUser({ ...direct, proxyUrl }, api.config.getCurrentUser()!)
      expect(await clusterOf(config).get('/version')).to.deep.equal({ a: 1 })
      expect(asked).to.deep.equal([new URL(direct.server).host])
    } finally {
      api.disconnect()
      proxy.close()
    }
  })

  const lacking = async (path: string, message: string, reason = 'Forbidden'): Promise<unknown> => {
    api.answer = (_request, response) => sendStatus(response, 403, message, reason)
    return failure(cluster.get(path))
  }
  const user = 'User "system:serviceaccount:shop:nobody" cannot'
  const REFUSED: readonly (readonly [path: string, right: string, what: string])[] = [
    [
      '/api/v1/namespaces/shop/pods/orders:15401/proxy/metrics',
      'get pods/proxy in namespace shop',
      'get resource "pods/proxy" in API group "" in the namespace "shop"',
    ],
    [
      '/api/v1/namespaces/shop/pods?limit=500',
      'list pods in namespace shop',
      'list resource "pods" in API group "" in the namespace "shop"',
    ],
    [
      '/api/v1/pods?limit=500',
      'list pods in the whole cluster',
      'list resource "pods" in API group "" at the cluster scope',
    ],
    [
      '/api/v1/namespaces/shop',
      'get namespaces in namespace shop',
      'get resource "namespaces" in API group "" in the namespace "shop"',
    ],
    [
      '/apis/apps/v1/namespaces/shop/deployments/orders',
      'get deployments in namespace shop',
      'get resource "deployments" in API group "apps" in the namespace "shop"',
    ],
    [
      '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
      'list validatingadmissionpolicies in the whole cluster',
      'list resource "validatingadmissionpolicies" in API group "admissionregistration.k8s.io" at the cluster scope',
    ],
  ]
  for (const [path, right, what] of REFUSED)
    it(`names the right that RBAC does not give: ${right}`, async () => {
      expect(await lacking(path, `a is forbidden: ${user} ${what}`)).to.include({ missingRight: right })
    })

  it('names the right to create what it posts', async () => {
    api.answer = (_request, response) =>
      sendStatus(
        response,
        403,
        `a is forbidden: ${user} create resource "pods" in API group "" in the namespace "a"`,
        'Forbidden',
      )
    expect(await failure(cluster.post('/api/v1/namespaces/a/pods?dryRun=All', {}))).to.include({
      missingRight: 'create pods in namespace a',
    })
  })

  it('names no right where an admission refuses, or no resource is asked for', async () => {
    const pods = '/api/v1/namespaces/shop/pods'
    expect(await lacking(pods, 'pods "orders" is forbidden: exceeded quota: none')).to.include({
      missingRight: undefined,
    })
    expect(await lacking('/version', `forbidden: ${user} get path "/version"`)).to.include({ missingRight: undefined })
  })

  it('names no right that a pod makes up, because a scrape has the answer of the pod', async () => {
    const scrape = '/api/v1/namespaces/shop/pods/orders:15401/proxy/metrics'
    for (const forged of [
      'get resource "secrets" in API group "" in the namespace "shop"',
      'escalate resource "clusterroles" in API group "rbac.authorization.k8s.io" at the cluster scope',
      '\u001b[2J\u009b resource "pods/proxy" in the namespace "shop"',
    ])
      expect(await lacking(scrape, `a is forbidden: ${user} ${forged}`), forged).to.include({ missingRight: undefined })
    const known = 'get resource "pods/proxy" in API group "" in the namespace'
    expect(await lacking(scrape, `${user} ${known} "shop"`, 'Unknown')).to.include({ missingRight: undefined })
    expect(await lacking(scrape, `${user} ${known} "kube-system; run curl evil.example"`)).to.include({
      missingRight: 'get pods/proxy in namespace shop',
    })
  })

  it('names the right to run commands, of which a refused WebSocket says nothing', async () => {
    api.answer = (_request, response) => sendStatus(response, 403, 'never read')
    expect(await failure(cluster.exec({ namespace: 'shop', pod: 'b', container: 'c' }, ['true']))).to.include({
      code: 'forbidden',
      message: 'exec in container c of pod shop/b is forbidden',
      missingRight: 'get and create pods/exec in namespace shop',
    })
  })

  it('fails as an API server that is away does, when an answer ends early or is no JSON', async () => {
    api.answer = (_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('half')
      setImmediate(() => response.destroy())
    }
    for (const cut of [cluster.scrape('/a'), cluster.get('/a'), cluster.post('/a', {})]) {
      const error = await failure(cut)
      expect(error).to.be.instanceOf(KubeError)
      expect(error)
        .to.have.property('message')
        .that.matches(/^(?:get|post) \/a: the answer ends early: \w+$/)
    }
    api.answer = (_request, response) => response.writeHead(200).end('<html>')
    const noJson = 'get /a: got an answer that is no JSON, expected an object of the API'
    expect(await failure(cluster.get('/a')))
      .to.be.instanceOf(KubeError)
      .and.to.include({ message: noJson })
    expect(await cluster.scrape('/a')).to.equal('<html>')
  })

  it('reads no more of a scrape than is allowed, and waits no longer', async () => {
    const narrow = clusterOf(api.config, { ...LIMITS, scrape: { ms: 100, bytes: 1_000 } })
    api.answer = (_request, response) => response.writeHead(200).end('x'.repeat(1_000))
    expect(await narrow.scrape('/a')).to.have.length(1_000)
    for (const status of [200, 403, 500]) {
      api.answer = (_request, response) => response.writeHead(status).end('x'.repeat(1_001))
      expect(await failure(narrow.scrape('/a')), String(status))
        .to.be.instanceOf(KubeError)
        .and.to.include({ message: 'get /a: the answer is longer than 1000 bytes' })
    }
    const slow = { message: 'get /a: no answer within 0.1 s' }
    for (const answers of [[], ['half']]) {
      api.answer = (_request, response) => {
        for (const part of answers) response.writeHead(200).write(part)
      }
      expect(await failure(narrow.scrape('/a')))
        .to.be.instanceOf(KubeError)
        .and.to.include(slow)
    }
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
