import type { ServerResponse } from 'node:http'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { KubeError } from '../../../webhook/src/kube/failure.ts'
import type { WatchHandle } from '../../../webhook/src/kube/watch.ts'
import type { WebhookConfigurationResource } from '../../../webhook/src/kube/webhook-configuration.ts'
import { createWebhookConfigurationResource } from '../../../webhook/src/kube/webhook-configuration.ts'
import type { FakeKubeApi } from '../../support/kube-api.ts'
import { sendEvent, sendJson, sendStatus, startFakeKubeApi } from '../../support/kube-api.ts'
import { until } from '../../support/until.ts'

const PATH = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations'
const DATE = 'Tue, 01 Jan 2030 00:00:00 GMT'
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const object = (resourceVersion: string): object => ({ metadata: { name: 'ours', resourceVersion } })

describe('the registration of a webhook by name', () => {
  let api: FakeKubeApi
  let resource: WebhookConfigurationResource
  beforeEach(async () => {
    api = await startFakeKubeApi((_request, response) => {
      response.setHeader('Date', DATE)
      sendJson(response, 200, {
        metadata: { resourceVersion: '7' },
        webhooks: [
          { name: 'a', clientConfig: { caBundle: base64('PEM') } },
          { name: 'b', clientConfig: {} },
        ],
      })
    })
    resource = createWebhookConfigurationResource(api.config, 'mutating', 'ours')
  })
  afterEach(() => api.stop())

  it('is read as its entries', async () => {
    expect(await resource.read()).to.deep.equal({
      resourceVersion: '7',
      readAt: Date.parse(DATE),
      entries: [
        { name: 'a', caBundle: 'PEM' },
        { name: 'b', caBundle: '' },
      ],
    })
    expect(api.requests[0]?.url.pathname).to.equal(`${PATH}/ours`)
  })

  it('may have no entries, and no date', async () => {
    api.answer = (_request, response) => {
      response.sendDate = false
      sendJson(response, 200, { metadata: {} })
    }
    expect(await resource.read()).to.deep.equal({ resourceVersion: '', readAt: undefined, entries: [] })
  })

  it('gets caBundle in every entry, and nothing else, as long as it is what was read', async () => {
    await resource.publish(await resource.read(), 'NEW')
    const request = api.requests.at(-1)
    expect(request?.method).to.equal('PATCH')
    expect(request?.headers['content-type']).to.equal('application/strategic-merge-patch+json')
    expect(JSON.parse(request?.body ?? '')).to.deep.equal({
      metadata: { resourceVersion: '7' },
      webhooks: ['a', 'b'].map((name) => ({ name, clientConfig: { caBundle: base64('NEW') } })),
    })
  })

  it('is read and written alike where it is of the other kind', async () => {
    const validating = createWebhookConfigurationResource(api.config, 'validating', 'ours')
    await validating.publish(await validating.read(), 'NEW')
    const path = `${PATH.replace('mutating', 'validating')}/ours`
    expect(api.requests.map(({ method, url }) => `${method} ${url.pathname}`)).to.deep.equal([
      `GET ${path}`,
      `PATCH ${path}`,
    ])
    expect(JSON.parse(api.requests[1]?.body ?? '')).to.have.nested.property(
      'webhooks[1].clientConfig.caBundle',
      base64('NEW'),
    )
  })

  describe('watched', () => {
    let watch: WatchHandle
    let changes: number
    let states: (KubeError | undefined)[]
    let streams: ServerResponse[]
    beforeEach(() => {
      changes = 0
      states = []
      streams = []
      api.answer = (_request, response) => {
        streams.push(response)
        sendEvent(response, 'ADDED', object('1'))
      }
      watch = resource.watch({
        onChange: () => {
          changes += 1
        },
        onState: (failure) => states.push(failure),
        random: () => 0,
      })
    })
    afterEach(() => watch.stop())
    const connected = (times: number): Promise<void> => until(`${times} connections`, () => streams.length === times)
    const changed = (times: number): Promise<void> => until(`${times} changes`, () => changes === times)
    const stateIs = (code: KubeError['code'] | undefined): Promise<void> =>
      until(`the state ${code ?? 'connected'}`, () => states.length > 0 && states.at(-1)?.code === code)

    it('asks for one object by name, from now on', async () => {
      await connected(1)
      const { url } = api.requests[0]!
      expect(url.pathname).to.equal(PATH)
      expect(Object.fromEntries(url.searchParams)).to.deep.equal({
        watch: 'true',
        fieldSelector: 'metadata.name=ours',
        timeoutSeconds: '25',
      })
    })

    it('tells every change once', async () => {
      await changed(1)
      sendEvent(streams[0]!, 'MODIFIED', object('2'))
      await changed(2)
      sendEvent(streams[0]!, 'MODIFIED', object('2'))
      sendEvent(streams[0]!, 'DELETED', object('3'))
      await changed(3)
      expect(states).to.deep.equal([undefined])
    })

    it('goes on after the server ended it, without an alarm and without a change that is none', async () => {
      await changed(1)
      streams[0]!.end()
      await connected(2)
      sendEvent(streams[1]!, 'MODIFIED', object('2'))
      await changed(2)
      expect(states.filter(Boolean)).to.deep.equal([])
    })

    it('goes on after a disconnect, and looks: something may have happened meanwhile', async () => {
      await changed(1)
      await stateIs(undefined)
      api.disconnect()
      await stateIs('unavailable')
      await changed(2)
      await stateIs(undefined)
    })

    it('goes on after 410 Gone in the stream', async () => {
      await changed(1)
      await stateIs(undefined)
      sendEvent(streams[0]!, 'ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' })
      await changed(2)
      expect(states[1]?.message).to.include('the API server answered 410')
    })

    it('goes on after the API server was away', async () => {
      await changed(1)
      await api.stop()
      await until('a failed reconnection', () => states.some((failure) => failure?.message.includes('ECONNREFUSED')))
      await api.start()
      await changed(2)
      await stateIs(undefined)
    })

    it('goes on after it was refused, and says why', async () => {
      await changed(1)
      const { answer } = api
      api.answer = (_request, response) => sendStatus(response, 403, 'cannot watch')
      api.disconnect()
      await stateIs('forbidden')
      api.answer = answer
      await stateIs(undefined)
    })

    it('outlives a line that is no JSON', async () => {
      await changed(1)
      streams[0]!.write('{"type":\n')
      sendEvent(streams[0]!, 'MODIFIED', object('2'))
      await changed(2)
    })

    it('stops', async () => {
      await changed(1)
      await stateIs(undefined)
      watch.stop()
      await until('the connection is closed', () => streams[0]!.destroyed)
      expect(states).to.deep.equal([undefined])
    })
  })
})
