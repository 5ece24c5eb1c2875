import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { ENTRA } from '../../partner-emulators/vendors/entra.ts'
import { GOOGLE } from '../../partner-emulators/vendors/google.ts'
import { lines, printed } from '../support/answers.ts'
import { clearFaults, setFaults } from '../support/emulator.ts'
import { eventually } from '../support/eventually.ts'
import { completed, deleteNamespaces, kubectl } from '../support/kubectl.ts'
import { WORLD } from '../support/names.ts'
import type { PodOptions, Shop } from '../support/workload.ts'
import { ASKING, client, openShop } from '../support/workload.ts'

/** Programs of test/e2e/clients, and all that their pods say. */
const PROGRAMS = {
  azure: {
    command: ['python', 'azure_sdk.py', 'https://graph.microsoft.com/v1.0/organization'],
    sdk: { azure: { clientId: ENTRA.clientId, tenantId: ENTRA.tenant } },
    audience: 'api://AzureADTokenExchange',
  },
  google: {
    command: ['python', 'google_sdk.py', 'https://storage.googleapis.com/storage/v1/b'],
    sdk: { google: { audience: GOOGLE.audience, serviceAccount: GOOGLE.serviceAccount } },
    audience: `https:${GOOGLE.audience}`,
  },
} as const
type Name = keyof typeof PROGRAMS
const NAMES = Object.keys(PROGRAMS) as Name[]

/** The shortest that leaves room for a refresh: the next token comes after about 10 s. */
const LIFE_SECONDS = 40
const VERIFIED = /^status 200 {"verified": *true}/

describe('programs with the SDK of a cloud', function () {
  let shop: Shop
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    shop = await openShop('outbound-jwt-e2e-files')
    await setFaults(
      NAMES.map((name) => ({
        operation: 'GetWebIdentityToken',
        match: { audience: PROGRAMS[name].audience },
        kind: 'lifetime',
        seconds: LIFE_SECONDS,
      })),
    )
    await Promise.all(
      NAMES.flatMap((name) => [
        shop.apply(shop.deployment(name, options(name, '--every', '1'))),
        shop.apply(shop.job(`${name}-once`, options(name))),
      ]),
    )
  })
  after(async () => {
    if (process.env['KUBECONFIG'] === undefined) return
    await clearFaults()
    await deleteNamespaces(shop.namespace)
  })

  for (const name of NAMES) {
    it(`call ${name} unchanged, and know nothing of tokens`, () => printed(source(`deployment/${name}`), VERIFIED))

    it(`call ${name} in a Job that completes`, () => completed(shop.namespace, `${name}-once`))
  }

  for (const name of NAMES)
    it(`give ${name} the next token when half the life of the first is over`, async () => {
      const known = await verifiedBy(name)
      const calls = (await lines(source(`deployment/${name}`))).length
      await eventually(
        'the cloud has verified another token',
        async () => (await verifiedBy(name)).some((token) => !known.includes(token)),
        60_000,
      )
      await eventually('a call follows', async () => (await lines(source(`deployment/${name}`))).length > calls + 1)
      for (const line of await lines(source(`deployment/${name}`))) expect(line).to.match(/^status 200 /)
    })

  const source = (workload: string): { namespace: string; workload: string; container: string } => ({
    namespace: shop.namespace,
    workload,
    container: 'program',
  })

  /** @returns IDs of the tokens that the cloud has verified. */
  async function verifiedBy(name: Name): Promise<readonly string[]> {
    const log = await kubectl('logs', '-n', WORLD, 'deployment/clouds')
    const verified = log
      .split('\n')
      .filter((line) => line.includes('"verified"'))
      .map((line) => JSON.parse(line) as { aud: string; jti: string })
    return verified.filter(({ aud }) => aud === PROGRAMS[name].audience).map(({ jti }) => jti)
  }
})

/** The cloud's authority is a private one here; everything else is annotations. */
function options(name: Name, ...more: readonly string[]): PodOptions {
  const { inject, region } = ASKING
  const { sdk, command } = PROGRAMS[name]
  const program = client('program', [...command, ...more], {
    env: [{ name: 'REQUESTS_CA_BUNDLE', value: '/authority/ca.crt' }],
    volumeMounts: [{ name: 'authority', mountPath: '/authority', readOnly: true }],
  })
  return {
    annotations: { inject, region, 'role-arn': ASKING['role-arn'], 'token-files': JSON.stringify([{ name, sdk }]) },
    spec: { containers: [program], volumes: [{ name: 'authority', configMap: { name: 'authority' } }] },
  }
}
