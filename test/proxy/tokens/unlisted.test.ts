import { expect } from 'chai'
import { describe, it } from 'mocha'
import { ProxyError } from '../../../proxy/src/errors.ts'
import type { TokenRequest, Tokens } from '../../../proxy/src/tokens/token-request.ts'
import { admitUnlisted } from '../../../proxy/src/tokens/unlisted.ts'
import { createTestEngine, follow } from '../../support/tokens/engine.ts'
import type { TestEngine } from '../../support/tokens/engine.ts'
import { requestFor } from '../../support/tokens/request.ts'
import { minted } from '../../support/tokens/source.ts'

/** Why a name has no address; undefined: it has one. */
type Fate = (host: string) => string | undefined

interface Guarded extends TestEngine {
  readonly guarded: Tokens
  readonly lookups: string[]
}

function guard(fate: Fate): Guarded {
  const engine = createTestEngine()
  engine.source.answer = () => minted()
  const lookups: string[] = []
  const resolves = ({ host }: { readonly host: string }): Promise<void> => {
    lookups.push(host)
    const code = fate(host)
    if (code === undefined) return Promise.resolve()
    return Promise.reject(new ProxyError('upstream_dns_failed', { cause: Object.assign(new Error(code), { code }) }))
  }
  const guarded = admitUnlisted(engine.tokens, { resolves, now: () => engine.clock.now().monotonicMs })
  return { ...engine, guarded, lookups }
}

const listed = requestFor({ audience: ['https://listed.example'] })
const under = (name: string | number): TokenRequest => ({
  ...requestFor({ audience: [`https://${name}.wild.example`] }),
  unlisted: { host: `${name}.wild.example`, port: 443 },
})
const count = (names: number): readonly number[] => Array.from({ length: names }, (_, index) => index)

describe('tokens of hosts that only a wildcard allows', () => {
  it('are never minted for names that do not resolve', async () => {
    const { guarded, source, clock } = guard(() => 'ENOTFOUND')
    const outcomes = count(300).map((name) => follow(guarded.get(under(name))))
    await clock.advance(0)
    expect(outcomes.map(({ result }) => result)).to.deep.equal(count(300).map(() => 'upstream_dns_failed'))
    expect(source.calls).to.have.lengthOf(0)
  })

  it('cost no second lookup of a name that did not exist within the last 10 s', async () => {
    const { guarded, lookups, clock } = guard(() => 'ENOTFOUND')
    const ask = async (): Promise<string | undefined> => {
      const outcome = follow(guarded.get(under('gone')))
      await clock.advance(0)
      return outcome.result
    }
    for (let time = 0; time < 3; time++) expect(await ask()).to.equal('upstream_dns_failed')
    expect(lookups).to.have.lengthOf(1)
    await clock.advance(10_000)
    await ask()
    expect(lookups).to.have.lengthOf(2)
  })

  it('remember no name whose lookup failed by itself', async () => {
    const { guarded, lookups, clock } = guard(() => 'EAI_AGAIN')
    for (let time = 0; time < 2; time++) {
      expect(follow(guarded.get(under('later')))).to.be.an('object')
      await clock.advance(0)
    }
    expect(lookups).to.have.lengthOf(2)
  })

  it('remember at most 1024 names that do not exist', async () => {
    const { guarded, lookups, clock } = guard(() => 'ENOTFOUND')
    for (const name of count(1025)) follow(guarded.get(under(name)))
    await clock.advance(0)
    follow(guarded.get(under(1)))
    follow(guarded.get(under(0)))
    await clock.advance(0)
    expect(lookups.slice(1025)).to.deep.equal(['0.wild.example'])
  })

  it('are minted for at most 120 new names within any minute, and the refusal says when to come again', async () => {
    const { guarded, source, clock } = guard(() => undefined)
    const first = count(100).map((name) => follow(guarded.get(under(name))))
    await clock.advance(20_000)
    const second = count(300).map((name) => follow(guarded.get(under(`more-${name}`))))
    await clock.advance(0)
    expect(source.calls).to.have.lengthOf(120)
    expect(first.every(({ result }) => result?.startsWith('token-'))).to.equal(true)
    const refused = second.filter(({ error }) => error)
    expect(refused).to.have.lengthOf(280)
    expect(
      refused.every(({ result, error }) => result === 'token_unavailable' && error?.retryAfterSeconds === 40),
    ).to.equal(true)
    await clock.advance(40_000)
    count(300).forEach((name) => follow(guarded.get(under(`third-${name}`))))
    await clock.advance(0)
    expect(source.calls).to.have.lengthOf(220)
  })

  it('look nothing up once the minute is used up', async () => {
    const { guarded, lookups, clock } = guard(() => undefined)
    for (const name of count(200)) {
      follow(guarded.get(under(name)))
      await clock.advance(0)
    }
    expect(lookups).to.have.lengthOf(120)
  })

  it('count once, however many requests wait for the same name', async () => {
    const { guarded, source, lookups, clock } = guard(() => undefined)
    const outcomes = count(200).map(() => follow(guarded.get(under('busy'))))
    await clock.advance(0)
    expect(outcomes.every(({ result }) => result === 'token-1')).to.equal(true)
    expect([source.calls.length, lookups.length]).to.deep.equal([1, 1])
  })

  it('are served without a lookup while one is cached, and whatever others did', async () => {
    const { guarded, lookups, clock } = guard(() => undefined)
    for (const name of count(200)) follow(guarded.get(under(name)))
    await clock.advance(0)
    expect(guarded.get(under(0))).to.be.a('string')
    expect(lookups).to.have.lengthOf(200)
  })

  it('never hold up a host that is listed', async () => {
    const { guarded, source, lookups, clock } = guard(() => undefined)
    for (const name of count(200)) follow(guarded.get(under(name)))
    await clock.advance(0)
    const before = lookups.length
    const outcome = follow(guarded.get(listed))
    await clock.advance(0)
    expect(outcome.result).to.match(/^token-/)
    expect(source.calls.at(-1)?.request.spec.audience).to.deep.equal(['https://listed.example'])
    expect(lookups).to.have.lengthOf(before)
  })
})
