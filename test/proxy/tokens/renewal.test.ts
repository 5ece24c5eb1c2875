import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { TokenEngine } from '../../../proxy/src/tokens/engine.ts'
import { createTestEngine, follow } from '../../support/tokens/engine.ts'
import { requestFor } from '../../support/tokens/request.ts'

const REQUEST = requestFor()
const renewed = async (tokens: TokenEngine): Promise<string> => (await tokens.renew(REQUEST)).value

describe('a forced renewal', () => {
  it('does not join the attempt under way, and its own callers share one', async () => {
    const { tokens, source, clock } = createTestEngine()
    const ordinary = follow(tokens.get(REQUEST))
    await clock.advance(0)
    const forced = [follow(renewed(tokens)), follow(renewed(tokens))]
    expect(source.calls).to.have.lengthOf(2)
    source.calls[1]!.succeed({ value: 'newer' })
    await clock.advance(0)
    expect(forced.map(({ result }) => result)).to.deep.equal(['newer', 'newer'])
    source.calls[0]!.succeed({ value: 'older' })
    await clock.advance(0)
    expect(ordinary.result).to.equal('newer')
    expect(tokens.get(REQUEST), 'an old answer never replaces a newer one').to.equal('newer')
  })

  it('is not undone by an older failure either', async () => {
    const { tokens, source, clock, observed } = createTestEngine()
    const ordinary = follow(tokens.get(REQUEST))
    await clock.advance(0)
    follow(renewed(tokens))
    source.calls[1]!.succeed()
    await clock.advance(0)
    source.calls[0]!.fail('access_denied')
    await clock.advance(0)
    expect(ordinary.result).to.equal('token-1')
    expect(observed).not.to.contain('refreshFailed partner')
  })

  it('gives its own token even when a later one arrived first', async () => {
    const { tokens, source, clock } = createTestEngine()
    const forced = follow(renewed(tokens))
    const ordinary = follow(tokens.get(REQUEST))
    await clock.advance(0)
    source.calls[1]!.succeed({ value: 'later' })
    await clock.advance(0)
    source.calls[0]!.succeed({ value: 'forced' })
    await clock.advance(0)
    expect([forced.result, ordinary.result, tokens.get(REQUEST)]).to.deep.equal(['forced', 'later', 'later'])
  })

  it('fails with the reason of STS', async () => {
    const { tokens, source } = createTestEngine()
    source.answer = () => 'explicitly_denied'
    const failure: unknown = await tokens.renew(REQUEST).catch((error: unknown) => error)
    expect(failure).to.include({ name: 'TokenFailure', reason: 'explicitly_denied' })
  })
})
