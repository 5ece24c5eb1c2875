import { expect } from 'chai'
import { describe, it } from 'mocha'
import { fuzzTunnels } from './tunnel-run.ts'

describe('tunnels and upgrades among clients that misbehave', () => {
  it('answer, end, leak nothing and show no token', async () => {
    const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 32)
    const { clients, statuses } = await fuzzTunnels({ seed, milliseconds: Number(process.env['FUZZ_MS'] ?? 2_000) })
    expect(clients).to.be.greaterThan(20)
    expect(statuses, `seed ${seed}`).to.include.keys('200', '400', '403')
  }).timeout(Number(process.env['FUZZ_MS'] ?? 0) + 20_000)
})
