import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { call, open } from '../support/proxy/client.ts'
import { startProxyProcess } from '../support/proxy/process.ts'
import type { Stack } from '../support/stack/stack.ts'
import { ROLE_ARN, startStack } from '../support/stack/stack.ts'
import { until } from '../support/until.ts'

const ROUTES = JSON.stringify([{ hosts: ['api.partner.example'] }])

describe('the shipped proxy in a pod without credentials', () => {
  for (const [what, environment] of Object.entries({
    'with a route': { ROUTES },
    'without a route': {},
    'with half of what IRSA sets': { ROUTES, AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/orders' },
  }))
    it(`exits 78, and says so in its last line (${what})`, async () => {
      const proxy = startProxyProcess({
        ...environment,
        AWS_REGION: 'eu-central-1',
        AWS_EC2_METADATA_DISABLED: 'true',
        POD_NAMESPACE: 'shop',
        POD_NAME: 'orders-7f9c',
      })
      expect(await proxy.exited).to.deep.equal({ status: 78, signal: null })
      const last = JSON.parse(proxy.output().split('\n').at(-1) ?? '') as Record<string, unknown>
      expect(last).to.include({
        level: 'error',
        msg: 'the service account of this pod has no AWS role',
        namespace: 'shop',
        pod: 'orders-7f9c',
      })
      expect(last['hint']).to.contain('EKS Pod Identity association').and.to.contain('outbound-jwt.io/role-arn')
    })
})

describe('the shipped proxy at start', () => {
  let stack: Stack
  afterEach(async () => {
    expect(stack.proxy().output()).not.to.match(/eyJ|ASIA/)
    await stack.close()
  })

  const minted = (): number => stack.emulator.calls().filter(({ action }) => action === 'GetWebIdentityToken').length
  const status = async (): Promise<number> => (await call(stack.proxyPort, stack.url)).status

  /** Starts the proxy while STS takes 1.5 s to mint. */
  async function startWithSlowSts(): Promise<void> {
    stack = await startStack()
    stack.proxy().signal('SIGKILL')
    await stack.proxy().exited
    stack.emulator.clearCalls()
    stack.emulator.setFaults([{ operation: 'GetWebIdentityToken', kind: 'delay', milliseconds: 1_500, count: 1 }])
    await stack.restart()
  }

  it('fetches the tokens of its static routes before anybody asks', async () => {
    stack = await startStack({ environment: { POD_NAMESPACE: 'shop', POD_NAME: 'orders-7f9c' } })
    await stack.proxy().logged('token minted')
    expect(minted()).to.equal(1)
    expect(stack.emulator.calls()[0]).to.include({ sessionName: 'shop.orders-7f9c' })
    expect(await status()).to.equal(200)
    expect(minted()).to.equal(1)
    expect(await stack.metric('outbound_jwt_token_lookups_total{result="hit"}')).to.equal(1)
  })

  it('sends no token of another role than EXPECTED_ROLE_ARN', async () => {
    stack = await startStack({ environment: { EXPECTED_ROLE_ARN: `${ROLE_ARN}-of-another` } })
    expect(await status()).to.equal(502)
    expect(await stack.proxy().logged('token not minted')).to.include({ reason: 'subject_mismatch' })
    expect(stack.partner.verified()).to.equal(0)
  })

  it('listens although STS does not answer, and lets the first requests wait for it', async () => {
    await startWithSlowSts()
    const startMs = performance.now()
    expect(await Promise.all([status(), status()])).to.deep.equal([200, 200])
    expect(performance.now() - startMs).to.be.below(8_000)
    expect(minted()).to.equal(1)
    expect(await stack.metric('outbound_jwt_token_lookups_total{result="miss"}')).to.equal(2)
  })

  it('serves the hundred requests behind a first caller who left', async () => {
    await startWithSlowSts()
    const first = open(stack.proxyPort, stack.url)
    first.on('error', () => undefined)
    first.end()
    await until('the first request waits', async () => (await misses()) === 1)
    const others = Array.from({ length: 100 }, status)
    await until('the others wait, too', async () => (await misses()) === 101)
    first.destroy()
    expect(new Set(await Promise.all(others))).to.deep.equal(new Set([200]))
    expect(minted()).to.equal(1)
    expect(stack.partner.verified()).to.equal(100)
  })

  const misses = (): Promise<number> => stack.metric('outbound_jwt_token_lookups_total{result="miss"}')
})
