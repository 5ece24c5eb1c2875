import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { VENDORS } from '../partner-emulators/cases.ts'
import { VAULT } from '../partner-emulators/vendors/vault.ts'
import { openExchangeWorld } from '../support/proxy/exchanging.ts'
import type { ExchangeWorld, ExchangingProxy } from '../support/proxy/exchanging.ts'

describe('one pod with four partners', () => {
  let world: ExchangeWorld
  let proxy: ExchangingProxy

  beforeEach(async () => {
    world = await openExchangeWorld()
    const routes = [
      { hosts: [world.hostOf('raw')] },
      { hosts: [world.hostOf('google')], exchange: VENDORS.google },
      { hosts: [world.hostOf('entra')], exchange: VENDORS.entra },
      { hosts: [world.hostOf('vault')], audience: [VAULT.audience], exchange: VENDORS.vault },
    ]
    const { awsVariables } = world
    proxy = await world.start(routes, { ...awsVariables, EXPECTED_ROLE_ARN: awsVariables['AWS_ROLE_ARN'] ?? '' })
  })
  afterEach(() => world.close())

  const minted = (): number => world.aws.calls().filter(({ action }) => action === 'GetWebIdentityToken').length
  const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${proxy.adminPort}/metrics`)).text()

  it('sends each what it accepts, and nothing of one to another', async () => {
    for (const name of ['raw', 'google', 'entra', 'vault']) expect((await proxy.get(name)).status, name).to.equal(200)
    const field = (name: string, key: string): string => String(world.seen.get(name)?.[key])
    expect(field('raw', 'authorization')).to.match(/^Bearer eyJ/)
    expect(field('google', 'authorization')).to.match(/^Bearer ya29\.impersonated-/)
    expect(field('entra', 'authorization')).to.match(/^Bearer entra-/)
    expect(field('vault', 'x-vault-token')).to.match(/^hvs\./)
    expect(world.seen.get('vault')).not.to.have.property('authorization')
    expect(minted(), 'source tokens').to.equal(4)
    const series = await metrics()
    expect(series).to.contain('outbound_jwt_token_exchanges_total{step="source",result="ok"} 3')
    expect(series).to.contain('outbound_jwt_token_exchanges_total{step="exchange",result="ok"} 3')
    for (const secret of ['ya29.', 'entra-', 'hvs.', 'eyJ']) expect(proxy.process.output()).not.to.contain(secret)
  })

  it('asks once for a thousand cold requests, and again after a 401 invalid_token', async () => {
    await Promise.all(Array.from({ length: 1_000 }, () => proxy.get('entra')))
    expect(world.vendors.calls('login.microsoftonline.com')).to.equal(1)
    const before = world.seen.get('entra')?.['authorization']
    world.status = 401
    expect((await proxy.get('entra')).status).to.equal(401)
    world.status = 200
    await proxy.get('entra')
    expect(world.seen.get('entra')?.['authorization']).not.to.equal(before)
    expect(world.vendors.calls('login.microsoftonline.com')).to.equal(2)
    expect(await metrics()).to.match(/outbound_jwt_tokens_rejected_total\{route="entra\.partner\.example[^"]*"\} 1/)
  }).timeout(120_000)

  it('needs no AWS credentials where every route says source kubernetes', async () => {
    const file = world.write(
      'projected',
      await world.aws.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders', audience: 'urn:raw' }),
    )
    const before = minted()
    const route = { hosts: [world.hostOf('raw')], source: 'kubernetes', audience: ['urn:raw'], subjectTokenFile: file }
    proxy = await world.start([route], {})
    expect((await proxy.get('raw')).status).to.equal(200)
    expect(String(world.seen.get('raw')?.['authorization'])).to.match(/^Bearer eyJ/)
    expect(minted()).to.equal(before)
    const ready = await fetch(`http://127.0.0.1:${proxy.adminPort}/readyz`)
    expect(ready.status).to.equal(200)
  })
})
