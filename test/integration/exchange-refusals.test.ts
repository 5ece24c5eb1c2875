import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { FAILURES } from '../../proxy/src/tokens/failures.ts'
import { AUDIENCES, VENDORS } from '../partner-emulators/cases.ts'
import { REFUSALS } from '../partner-emulators/refusals.ts'
import type { Refusal } from '../partner-emulators/refusals.ts'
import { openExchangeWorld } from '../support/proxy/exchanging.ts'
import type { ExchangeWorld, ExchangingProxy } from '../support/proxy/exchanging.ts'
import { errorOf } from '../support/proxy/client.ts'
import { until } from '../support/until.ts'

/** Rows with the same fault share a proxy, because it asks for tokens when it starts. */
const GROUPS = Map.groupBy(REFUSALS, ({ token }) => JSON.stringify(token))

describe('the shipped proxy at partners that refuse', () => {
  let world: ExchangeWorld
  before(async () => {
    world = await openExchangeWorld()
  })
  after(() => world.close())

  const routeOf = ({ vendor, exchange, route }: Refusal, label: string): object => ({
    hosts: [world.hostOf(label)],
    ...(AUDIENCES[vendor] && { audience: [AUDIENCES[vendor]] }),
    ...route,
    exchange: { ...VENDORS[vendor], ...exchange },
  })

  for (const refusals of GROUPS.values()) {
    const [{ token } = {}] = refusals
    describe(token === undefined ? 'what its author wrote' : `a token of AWS with ${JSON.stringify(token)}`, () => {
      let proxy: ExchangingProxy
      before(async () => {
        world.aws.setFaults(token ? [{ operation: 'GetWebIdentityToken', ...token }] : [])
        const routes = refusals.map((refusal, index) => routeOf(refusal, `case-${index}`))
        proxy = await world.start(routes, world.awsVariables)
      })

      for (const [index, { vendor, what, reason, said }] of refusals.entries())
        it(`says what ${vendor} says of ${what}, and what to do`, async () => {
          const label = `case-${index}`
          const reply = await proxy.get(label)
          const { code, meaning, hint } = FAILURES[reason]
          expect(reply.status).to.equal(502)
          expect(errorOf(reply)).to.include({ code, hint, message: `${meaning} It says: ${said}` })
          const isLogged = (): boolean => failuresOf(proxy, world.hostOf(label)).some(({ detail }) => detail === said)
          await until('the log says it, too', isLogged)
          expect(failuresOf(proxy, world.hostOf(label))[0]).to.include({ reason, step: 'exchange' })
          expect(world.seen.has(label), 'a call of the partner').to.equal(false)
        })
    })
  }

  function failuresOf({ process }: ExchangingProxy, route: string): Readonly<Record<string, unknown>>[] {
    return process
      .output()
      .split('\n')
      .filter((line) => line.includes('"token not minted"') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
      .filter((line) => line['route'] === route)
  }
})
