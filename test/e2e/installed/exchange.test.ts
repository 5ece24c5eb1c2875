import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { parse } from 'yaml'
import { APIS, NAMES, VENDORS } from '../../partner-emulators/cases.ts'
import type { Name } from '../../partner-emulators/cases.ts'
import { VENDOR_HOSTS } from '../../partner-emulators/server.ts'
import { VAULT } from '../../partner-emulators/vendors/vault.ts'
import { answers as answersOf, expectVerified, firstAnswers } from '../support/answers.ts'
import type { Answer } from '../support/answers.ts'
import { eventually } from '../support/eventually.ts'
import { deleteNamespaces, kubectl } from '../support/kubectl.ts'
import { ANNOTATION, WORLD } from '../support/names.ts'
import type { Shop } from '../support/workload.ts'
import { ASKING, container, openShop } from '../support/workload.ts'

/** Ten pods start at once, and a small cluster is slow then: what the sidecar says of STS, and nothing of a partner. */
const BUSY: readonly number[] = [503, 504]
const LIMIT_MS = 90_000
const CA = { configMap: 'authority', key: 'ca.crt' }

describe('exchanges', function () {
  let shop: Shop
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    // The defaults of its label say region and role, as EKS would.
    shop = await openShop('outbound-jwt-e2e-exchange', { 'outbound-jwt.io/inject': 'enabled' })
  })
  after(async () => {
    if (process.env['KUBECONFIG'] !== undefined) await deleteNamespaces(shop.namespace)
  })

  describe('the example of each partner', () => {
    before(async () => {
      const clouds = await kubectl('get', 'service', 'clouds', '-n', WORLD, '-o', 'jsonpath={.spec.clusterIP}')
      const authority = await kubectl('get', 'configmap', 'authority', '-n', WORLD, '-o', 'jsonpath={.data.ca\\.crt}')
      await shop.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'orders' } })
      await shop.apply({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'vault-ca' },
        data: { 'ca.crt': authority },
      })
      await Promise.all(NAMES.map((name) => shop.apply(exampleOf(name, clouds))))
    })

    for (const name of NAMES)
      it(`calls with what it got for the token of AWS: ${name}`, async () => {
        const source = { namespace: shop.namespace, workload: `deployment/${name}`, container: 'orders' }
        let answer: Answer | undefined
        await eventually(
          `an answer of ${name}`,
          async () => {
            answer = (await answersOf(source)).find(({ status }) => !BUSY.includes(status))
            return answer !== undefined
          },
          LIMIT_MS,
        )
        const { status, body } = answer!
        expect(status, body).to.equal(200)
        expect(JSON.parse(body)).to.include({ verified: true })
      })
  })

  describe('one pod with four partners', () => {
    const RAW = 'https://api.partner.example/orders'
    const HOSTS: Partial<Record<Name, string>> = {
      google: 'storage.googleapis.com',
      entra: 'graph.microsoft.com',
      vault: 'vault.example',
    }
    const URLS = [RAW, ...Object.keys(HOSTS).map((name) => `https://${APIS[name as Name].replace(':8200', '')}`)]
    let answers: readonly Answer[]
    before(async () => {
      const routes = Object.entries(HOSTS).map(([name, host]) => ({
        hosts: [host],
        ...(name === 'vault' && { audience: [VAULT.audience] }),
        exchange: { ...VENDORS[name as Name], ca: CA },
      }))
      const raw = { hosts: ['api.partner.example'], audience: ['https://api.partner.example'] }
      const intercepted = [raw, ...routes].map((route) => ({ ...route, https: 'intercept', ca: CA }))
      const annotations = { ...ASKING, routes: JSON.stringify(intercepted) }
      await shop.apply(shop.pod('orders', { annotations, args: [...URLS, '--serve'] }))
      answers = await firstAnswers({ namespace: shop.namespace, workload: 'pod/orders' }, URLS.length)
    })

    it('gives the token of AWS itself to the one that takes it', () => {
      expectVerified(answers.find(({ url }) => url === RAW)!)
    })

    for (const url of URLS.slice(1))
      it(`gives ${new URL(url).host} what its vendor issued for the token of AWS`, () => {
        const { status, body } = answers.find((answer) => answer.url === url)!
        expect(status, body).to.equal(200)
        expect(JSON.parse(body)).to.deep.equal({ verified: true })
      })
  })
})

interface Example {
  metadata: { name: string }
  spec: {
    selector: { matchLabels: object }
    template: { metadata: { labels: object; annotations: Record<string, string> }; spec: Record<string, unknown> }
  }
}

/** manifests/examples/partner-*.yaml as it is, but for its name, its image, where names lead to, and the authority that signed their certificates. */
function exampleOf(name: Name, clouds: string): object {
  const example = parse(readFileSync(`manifests/examples/partner-${name}.yaml`, 'utf8')) as Example
  const { selector, template } = example.spec
  const labels = { app: name }
  example.metadata.name = name
  selector.matchLabels = labels
  template.metadata.labels = labels
  const { annotations } = template.metadata
  const routes = parse(annotations[`${ANNOTATION}routes`] ?? '') as { exchange: object }[]
  annotations[`${ANNOTATION}routes`] = JSON.stringify(
    routes.map(({ exchange, ...route }) => ({ ca: CA, ...route, exchange: { ca: CA, ...exchange } })),
  )
  template.spec['containers'] = [container('orders', [`http://${APIS[name]}`, '--every', '1000'])]
  template.spec['hostAliases'] = [{ ip: clouds, hostnames: VENDOR_HOSTS.filter((host) => !host.endsWith('localhost')) }]
  return example
}
