import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { Secret, SecretResource } from '../../../webhook/src/kube/secret.ts'
import { createSecretResource } from '../../../webhook/src/kube/secret.ts'
import type { FakeKubeApi } from '../../support/kube-api.ts'
import { sendJson, sendStatus, startFakeKubeApi } from '../../support/kube-api.ts'

const STORED = {
  metadata: { name: 'certificates', resourceVersion: '7', labels: { a: 'b' } },
  data: { 'x.key': Buffer.from('a key').toString('base64') },
}
const DECODED: Secret = { resourceVersion: '7', labels: { a: 'b' }, data: { 'x.key': 'a key' } }

describe('Secret by name', () => {
  let api: FakeKubeApi
  let secret: SecretResource
  beforeEach(async () => {
    api = await startFakeKubeApi((_request, response) => sendJson(response, 200, STORED))
    secret = createSecretResource(api.config, { namespace: 'system', name: 'certificates' })
  })
  afterEach(() => api.stop())
  const failure = (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      () => expect.fail('nothing was thrown'),
      (error: unknown) => error,
    )

  it('is read and decoded', async () => {
    expect(await secret.read()).to.deep.equal(DECODED)
    expect(api.requests[0]).to.include({ method: 'GET' })
    expect(api.requests[0]?.url.pathname).to.equal('/api/v1/namespaces/system/secrets/certificates')
    expect(api.requests[0]?.headers.authorization).to.equal('Bearer a-token')
  })

  it('may be missing', async () => {
    api.answer = (_request, response) => sendStatus(response, 404, 'secrets "certificates" not found')
    expect(await secret.read()).to.equal(undefined)
  })

  it('may be empty', async () => {
    api.answer = (_request, response) => sendJson(response, 200, { metadata: { resourceVersion: '1' } })
    expect(await secret.read()).to.deep.equal({ resourceVersion: '1', labels: {}, data: {} })
  })

  it('is created by server-side apply without force, so that nobody loses a label', async () => {
    await secret.ensure({ owner: 'us' })
    const [request] = api.requests
    expect(request?.method).to.equal('PATCH')
    expect(request?.headers['content-type']).to.equal('application/apply-patch+yaml')
    const query = Object.fromEntries(request?.url.searchParams ?? [])
    expect(query).to.deep.equal({ fieldManager: 'aws-outbound-jwt-injector' })
    expect(JSON.parse(request?.body ?? '')).to.deep.equal({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'certificates', labels: { owner: 'us' } },
      type: 'Opaque',
    })
  })

  it('is changed only as long as it is what was read', async () => {
    await secret.change(DECODED, { 'x.key': null, 'y.key': 'text' })
    const [request] = api.requests
    expect(request?.headers['content-type']).to.equal('application/merge-patch+json')
    expect(JSON.parse(request?.body ?? '')).to.deep.equal({
      metadata: { resourceVersion: '7' },
      data: { 'x.key': null, 'y.key': Buffer.from('text').toString('base64') },
    })
    api.answer = (_request, response) => sendStatus(response, 409, 'the object has been modified')
    expect(await failure(secret.change(DECODED, {}))).to.include({ code: 'conflict' })
  })

  it('repeats what the API server says about a missing right', async () => {
    api.answer = (_request, response) => sendStatus(response, 403, 'User "x" cannot get resource "secrets"')
    const error = await failure(secret.read())
    expect(error).to.include({ code: 'forbidden' })
    expect(String(error)).to.include('get secrets/certificates in namespace system: User "x" cannot get')
  })

  for (const [status, code] of [
    [400, 'rejected'],
    [401, 'unauthorized'],
    [422, 'rejected'],
    [429, 'unavailable'],
    [500, 'unavailable'],
    [503, 'unavailable'],
  ] as const) {
    it(`tells ${status} as ${code}, and repeats nothing that may quote a key`, async () => {
      api.answer = (_request, response) => sendStatus(response, status, 'invalid value: a key')
      const error = await failure(secret.change(DECODED, { 'x.key': 'a key' }))
      expect(error).to.include({ code })
      expect(String(error)).to.include(`the API server answered ${status}`).and.not.to.include('a key')
    })
  }

  it('tells an API server that is not there, or is another', async () => {
    await api.stop()
    const away = await failure(secret.read())
    expect(away).to.include({ code: 'unavailable' })
    expect(String(away)).to.include('ECONNREFUSED')
    await api.start()
    const [cluster] = api.config.clusters
    api.config.clusters = [{ ...cluster!, caData: '' }]
    expect(String(await failure(secret.read()))).to.match(/UNABLE_TO|SELF_SIGNED/)
  })

  it('tells an answer that is no JSON', async () => {
    api.answer = (_request, response) => response.writeHead(403, { 'content-type': 'text/plain' }).end('no')
    const error = await failure(secret.read())
    expect(error).to.include({ code: 'forbidden' })
    expect(String(error)).to.include('the API server answered 403')
  })
})
