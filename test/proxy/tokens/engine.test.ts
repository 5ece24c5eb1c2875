import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readConfig } from '../../../proxy/src/config.ts'
import { METRICS } from '../../../proxy/src/metrics.ts'
import { createMetrics } from '../../../proxy/src/runtime/index.ts'
import { createEngine } from '../../../proxy/src/tokens/engine.ts'
import { createFakeClock } from '../../support/tokens/clock.ts'
import { ROLE } from '../../support/tokens/jwt.ts'
import { captureLog } from '../../support/tokens/log.ts'
import { requestFor } from '../../support/tokens/request.ts'
import { createFakeSts } from '../../support/tokens/sts.ts'

/** @returns what became of the first token of an engine with these settings, and when it was renewed, in seconds. */
async function run(settings: Readonly<Record<string, string>>): Promise<{ first: unknown; renewedAt: number }> {
  const clock = createFakeClock()
  const sts = createFakeSts(() => clock.now().wallMs)
  const tokens = createEngine({
    config: readConfig(settings),
    sts,
    clock,
    random: () => 0,
    log: captureLog().log,
    instruments: createMetrics(METRICS).instruments,
    onNoCredentials: () => undefined,
  })
  const first: unknown = await Promise.resolve(tokens.get(requestFor())).catch((error: unknown) => error)
  for (let seconds = 1; seconds < 900; seconds++) {
    await clock.advance(1_000)
    if (sts.asked.length > 1) return { first, renewedAt: seconds }
  }
  return { first, renewedAt: Number.POSITIVE_INFINITY }
}

describe('the token engine as the process composes it', () => {
  it('refreshes at half the life of a token, or TOKEN_REFRESH_SKEW before its end', async () => {
    expect((await run({})).renewedAt).to.equal(450)
    expect((await run({ TOKEN_REFRESH_SKEW: '5m' })).renewedAt).to.equal(600)
  })

  it('refuses tokens of another role than EXPECTED_ROLE_ARN', async () => {
    expect((await run({ EXPECTED_ROLE_ARN: ROLE })).first).to.be.a('string')
    const { first } = await run({ EXPECTED_ROLE_ARN: 'arn:aws:iam::123456789012:role/payments' })
    expect(first).to.include({ code: 'token_denied' })
  })
})
