import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { parse } from 'yaml'
import { PROXY_CONTAINER } from '../../proxy/src/contract.ts'
import { createInjector } from '../../webhook/src/injection/decide.ts'
import { INJECTION_DEFAULTS } from '../../webhook/src/injection/settings.ts'
import { container } from '../demo/pod.ts'
import type { Pod } from '../demo/pod.ts'
import { APIS, NAMES } from '../partner-emulators/cases.ts'
import type { Name } from '../partner-emulators/cases.ts'
import { applyPatch } from '../support/json-patch.ts'
import { openExchangeWorld } from '../support/proxy/exchanging.ts'
import type { ExchangeWorld } from '../support/proxy/exchanging.ts'

describe('the example of a partner', () => {
  let world: ExchangeWorld
  before(async () => {
    world = await openExchangeWorld()
  })
  after(() => world.close())

  for (const name of NAMES)
    it(`makes a pod whose calls carry what the partner issued: ${name}`, async () => {
      // The authority of the examples is the one of the emulators.
      const routes = routesOf(name).replaceAll(/"[^"]+\/ca\.crt"/g, JSON.stringify(world.caFile))
      const proxy = await world.start(JSON.parse(routes) as object[], world.awsVariables)
      const { status, body } = await proxy.call(`http://${APIS[name]}`)
      expect(status, body).to.equal(200)
      expect(JSON.parse(body)).to.include({ verified: true })
    })
})

/** @returns ROUTES of the sidecar that the webhook puts into the pod of an example. */
function routesOf(name: Name): string {
  const manifest = parse(readFileSync(`manifests/examples/partner-${name}.yaml`, 'utf8')) as {
    readonly spec: { readonly template: Pod }
  }
  const pod = manifest.spec.template
  const inject = createInjector({ ...INJECTION_DEFAULTS, image: 'registry.example/proxy:1' })
  const decision = inject({ pod, mode: 'pod', operation: 'CREATE' })
  if (decision.kind !== 'inject') throw new Error(`not injected: ${JSON.stringify(decision)}`)
  const { env = [] } = container(applyPatch<Pod>(pod, decision.patch), PROXY_CONTAINER)
  return env.find((variable) => variable.name === 'ROUTES')?.value ?? ''
}
