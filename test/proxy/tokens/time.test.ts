import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createSystemClock, within } from '../../../proxy/src/tokens/time.ts'
import { createFakeClock } from '../../support/tokens/clock.ts'

const late = (): Error => new Error('late')

describe('work with a deadline', () => {
  it('gives what the work gives, or throws what it throws, and leaves no timer', async () => {
    const clock = createFakeClock()
    expect(await within(clock, 1_000, () => Promise.resolve('done'), late)).to.equal('done')
    const thrown = await within(clock, 1_000, () => Promise.reject(new Error('early')), late).catch(String)
    expect(thrown).to.equal('Error: early')
    expect(clock.pending()).to.equal(0)
  })

  it('ends in time with work that ignores its signal, which says why', async () => {
    const clock = createFakeClock()
    let signal: AbortSignal | undefined
    const ended = within(
      clock,
      1_000,
      (given) => {
        signal = given
        return new Promise<never>(() => undefined)
      },
      late,
    ).catch(String)
    await clock.advance(1_000)
    expect(await ended).to.equal('Error: late')
    expect(String(signal?.reason)).to.equal('Error: late')
  })

  it('does not mind work that fails after its deadline', async () => {
    const clock = createFakeClock()
    let fail: (error: Error) => void = () => undefined
    const ended = within(clock, 1_000, () => new Promise<never>((_, reject) => (fail = reject)), late).catch(String)
    await clock.advance(1_000)
    fail(new Error('much later'))
    await clock.advance(0)
    expect(await ended).to.equal('Error: late')
  })
})

describe("the machine's clock", () => {
  it('does not run at once what is due in years, as a timer of Node would', async () => {
    const clock = createSystemClock()
    let ran = false
    const cancel = clock.after(2 ** 40, () => (ran = true))
    await new Promise((resolve) => setTimeout(resolve, 20))
    cancel()
    expect(ran).to.equal(false)
  })
})
