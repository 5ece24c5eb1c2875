import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { VENDORS } from '../../partner-emulators/cases.ts'
import { GOOGLE } from '../../partner-emulators/vendors/google.ts'
import { VAULT } from '../../partner-emulators/vendors/vault.ts'
import { expectVerified, firstAnswers } from '../support/answers.ts'
import type { Answer } from '../support/answers.ts'
import { deleteNamespaces } from '../support/kubectl.ts'
import type { Shop } from '../support/workload.ts'
import { ASKING, openShop } from '../support/workload.ts'

const CA = { configMap: 'authority', key: 'ca.crt' }
const RAW = 'https://api.partner.example/orders'

/** Each takes nothing but what its own vendor issues, for a token of AWS that the vendor has verified. */
const EXCHANGES = {
  'https://storage.googleapis.com/storage/v1/b': {
    hosts: ['storage.googleapis.com'],
    audience: [`https:${GOOGLE.audience}`],
    exchange: { ...VENDORS.google, ca: CA },
  },
  'https://graph.microsoft.com/v1.0/organization': {
    hosts: ['graph.microsoft.com'],
    exchange: { ...VENDORS.entra, ca: CA },
  },
  'https://vault.example/v1/secret/data/orders': {
    hosts: ['vault.example'],
    audience: [VAULT.audience],
    exchange: { ...VENDORS.vault, ca: CA },
  },
}
const ROUTES = [
  { hosts: ['api.partner.example'], audience: ['https://api.partner.example'] },
  ...Object.values(EXCHANGES),
].map((route) => ({ ...route, https: 'intercept', ca: CA }))

describe('a pod with four partners', function () {
  let shop: Shop
  let answers: readonly Answer[]
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    shop = await openShop('outbound-jwt-e2e-exchange')
    const urls = [RAW, ...Object.keys(EXCHANGES)]
    const annotations = { ...ASKING, routes: JSON.stringify(ROUTES) }
    await shop.apply(shop.pod('orders', { annotations, args: [...urls, '--serve'] }))
    answers = await firstAnswers({ namespace: shop.namespace, workload: 'pod/orders' }, urls.length)
  })
  after(async () => {
    if (process.env['KUBECONFIG'] !== undefined) await deleteNamespaces(shop.namespace)
  })

  it('gives the token of AWS itself to the one that takes it', () => {
    expectVerified(answers.find(({ url }) => url === RAW)!)
  })

  for (const url of Object.keys(EXCHANGES))
    it(`gives ${new URL(url).host} what its vendor issued for the token of AWS`, () => {
      const { status, body } = answers.find((answer) => answer.url === url)!
      expect(status, body).to.equal(200)
      expect(JSON.parse(body)).to.deep.equal({ verified: true })
    })
})
