import { expect } from 'chai'
import { describe, it } from 'mocha'
import { expandExchange } from '../../../../proxy/src/contract.ts'
import type { EndpointAnswer } from '../../../../proxy/src/tokens/exchanges/endpoint.ts'
import { createExchangeSource } from '../../../../proxy/src/tokens/exchanges/exchange.ts'
import { tokenRequest } from '../../../../proxy/src/tokens/token-request.ts'
import type { TokenRequest } from '../../../../proxy/src/tokens/token-request.ts'
import { createFakeClock } from '../../../support/tokens/clock.ts'
import type { FakeClock } from '../../../support/tokens/clock.ts'
import { createTestEngine, follow } from '../../../support/tokens/engine.ts'
import type { TestEngine } from '../../../support/tokens/engine.ts'
import { requestFor } from '../../../support/tokens/request.ts'
import { createFakeSource, minted } from '../../../support/tokens/source.ts'
import type { FakeSource } from '../../../support/tokens/source.ts'

const exchange = expandExchange({
  type: 'oauth2',
  tokenUrl: 'https://as.example/token',
  grant: 'jwt-bearer',
  clientId: 'client',
  clientAuth: 'post',
  clientSecretFile: '/secret',
})
const SUBJECT = requestFor().spec
const REQUEST = tokenRequest('partner', { source: 'exchange', subject: SUBJECT, exchange })
const MINUTE = 60_000

interface Exchanging extends Pick<TestEngine, 'tokens' | 'captured' | 'observed'> {
  readonly clock: FakeClock
  readonly source: FakeSource
  /** Bodies that the token endpoint got. */
  readonly sent: string[]
  readonly steps: string[]
  readonly files: Map<string, string>
  /** What the token endpoint does. */
  answer: (call: number, signal: AbortSignal) => Promise<Partial<EndpointAnswer>>
}

const granted = (call: number): Partial<EndpointAnswer> => ({
  body: JSON.stringify({ access_token: `result-${call}`, expires_in: 3_600 }),
})

/** The engine with a source that answers at once, and a token endpoint. */
function createExchanging(): Exchanging {
  const clock = createFakeClock()
  const source = createFakeSource()
  source.answer = () => minted()
  const sent: string[] = []
  const steps: string[] = []
  const files = new Map([['/secret', 's3cret\n']])
  const engine = createTestEngine({
    clock,
    sources: {
      aws: source,
      kubernetes: source as never,
      exchange: createExchangeSource({
        sourceOf: () => source,
        call: async ({ body }, signal) => {
          sent.push(body)
          const answer = await exchanging.answer(sent.length, signal)
          return { status: 200, retryAfterMs: undefined, body: '', ...answer }
        },
        readFile: (path) => {
          const text = files.get(path)
          return text === undefined
            ? Promise.reject(Object.assign(new Error(), { code: 'ENOENT' }))
            : Promise.resolve(text)
        },
        clock,
        onStep: (step, result) => steps.push(`${step} ${result}`),
      }),
    },
  })
  const { tokens, captured, observed } = engine
  const exchanging: Exchanging = {
    tokens,
    captured,
    observed,
    clock,
    source,
    sent,
    steps,
    files,
    answer: (call) => Promise.resolve(granted(call)),
  }
  return exchanging
}

/** Lets lazily loaded modules arrive, which take real time. */
async function settled<T>(clock: FakeClock, work: string | Promise<T>): Promise<T | string> {
  const value = await work
  await clock.advance(0)
  return value
}

describe('an exchanged token', () => {
  it('costs one source token and one exchange for 1,000 cold requests', async () => {
    const { tokens, source, sent, steps } = createExchanging()
    const answers = await Promise.all(Array.from({ length: 1_000 }, async () => tokens.get(REQUEST)))
    expect(new Set(answers)).to.deep.equal(new Set(['result-1']))
    expect([source.calls.length, sent.length]).to.deep.equal([1, 1])
    expect(steps).to.deep.equal(['source ok', 'exchange ok'])
  })

  it('is made with a new source token each time, never with the one that is cached for another route', async () => {
    const { tokens, sent, source } = createExchanging()
    expect(await tokens.get(requestFor())).to.equal('token-1')
    await tokens.get(REQUEST)
    await tokens.renew(REQUEST)
    const assertions = sent.map((body) => new URLSearchParams(body).get('assertion'))
    expect(assertions).to.deep.equal(['token-2', 'token-3'])
    expect(source.calls).to.have.lengthOf(3)
  })

  it('is one per whole spec: another field of the exchange is another token', async () => {
    const { tokens, sent } = createExchanging()
    const other = tokenRequest('other', {
      source: 'exchange',
      subject: SUBJECT,
      exchange: { ...exchange, caFile: '/ca' },
    })
    await Promise.all([tokens.get(REQUEST), tokens.get(other)])
    expect(sent).to.have.lengthOf(2)
  })

  it('is served until it expires while the token endpoint is away', async () => {
    const exchanging = createExchanging()
    const { tokens, clock } = exchanging
    await settled(clock, tokens.get(REQUEST))
    exchanging.answer = () => Promise.resolve({ status: 503 })
    for (let minute = 1; minute < 60; minute++) {
      await clock.advance(MINUTE)
      expect(tokens.get(REQUEST), `${minute} min`).to.equal('result-1')
    }
    const late = follow(tokens.get(REQUEST))
    await clock.advance(MINUTE)
    await clock.advance(11_000)
    expect(late.result).to.equal('result-1')
    expect(exchanging.observed).to.include('refreshFailed partner')
  })

  it('is not asked for again before the time that the endpoint names', async () => {
    const exchanging = createExchanging()
    const { tokens, clock, sent } = exchanging
    exchanging.answer = () => Promise.resolve({ status: 429, retryAfterMs: 120_000 })
    const refused = await Promise.resolve(tokens.get(REQUEST)).catch((error: unknown) => error)
    expect(refused).to.include({ code: 'token_unavailable', retryAfterSeconds: 120 })
    await clock.advance(119_000)
    await Promise.resolve(tokens.get(REQUEST)).catch(() => undefined)
    expect(sent).to.have.lengthOf(1)
    exchanging.answer = (call) => Promise.resolve(granted(call))
    await clock.advance(1_000)
    expect(await tokens.get(REQUEST)).to.equal('result-2')
  })

  it('fails for what a person must change with the words of the partner, step by step', async () => {
    const exchanging = createExchanging()
    const { tokens, captured, steps, source } = exchanging
    exchanging.answer = () =>
      Promise.resolve({ status: 400, body: '{"error":"invalid_grant","error_description":"wrong aud, s3cret"}' })
    const denied = await Promise.resolve(tokens.get(REQUEST)).catch((error: unknown) => error as Error)
    expect(denied).to.include({ code: 'token_denied' })
    expect((denied as Error).message).to.match(/It says: HTTP 400, invalid_grant: wrong aud, \[redacted\]$/)
    expect(steps).to.deep.equal(['source ok', 'exchange config'])
    expect(captured.lines('token not minted')[0]).to.include({ step: 'exchange', reason: 'invalid_grant' })
    source.answer = () => 'access_denied'
    const other = tokenRequest('b', { source: 'exchange', subject: { ...SUBJECT, durationSeconds: 60 }, exchange })
    await Promise.resolve(tokens.get(other)).catch(() => undefined)
    expect(steps.slice(2)).to.deep.equal(['source config'])
    expect(captured.lines('token not minted')[1]).to.include({ step: 'source', reason: 'access_denied' })
    expect(captured.text()).not.to.contain('s3cret')
  })

  it('may take 10 s, of which the source has 8; a request waits 11 s', async () => {
    const exchanging = createExchanging()
    const { tokens, clock, source, captured } = exchanging
    let signal: AbortSignal | undefined
    exchanging.answer = (_call, given) => {
      signal = given
      return new Promise(() => undefined)
    }
    const early = follow(tokens.get(REQUEST))
    while (!signal) await clock.advance(0)
    await clock.advance(9_999)
    expect([early.result, signal.aborted]).to.deep.equal([undefined, false])
    await clock.advance(1)
    expect(signal.aborted).to.equal(true)
    await clock.advance(1_000)
    expect(early.result).to.equal('token_timeout')
    expect(captured.lines('token not minted').map(({ reason }) => reason)).to.deep.equal(['exchange_timeout'])
    source.answer = undefined
    const other = follow(
      tokens.get(tokenRequest('b', { source: 'exchange', subject: { ...SUBJECT, tags: { a: 'b' } }, exchange })),
    )
    await clock.advance(8_000)
    expect(captured.lines('token not minted').at(-1)).to.include({ reason: 'sts_timeout', step: 'source' })
    await clock.advance(3_000)
    expect(other.result).to.equal('token_timeout')
  })

  it('is made with the secret that its file has at the time', async () => {
    const { tokens, files, sent, steps } = createExchanging()
    await tokens.get(REQUEST)
    files.set('/secret', 'newer')
    await tokens.renew(REQUEST)
    expect(sent.map((body) => new URLSearchParams(body).get('client_secret'))).to.deep.equal(['s3cret', 'newer'])
    for (const [path, text] of [
      ['/secret', ''],
      ['/secret', 'a\nb'],
      ['/gone', 'x'],
    ] as const) {
      files.clear()
      files.set(path, text)
      const failure = await tokens.renew(REQUEST).catch((error: unknown) => error)
      expect(failure).to.include({ reason: 'client_secret_unreadable' })
    }
    expect(steps.at(-1)).to.equal('exchange config')
  })

  it('is dropped when the partner does not accept it, once per 30 s, and never a newer one', async () => {
    const { tokens, clock, sent, captured } = createExchanging()
    await settled(clock, tokens.get(REQUEST))
    tokens.reject(REQUEST, 'another')
    expect(tokens.get(REQUEST)).to.equal('result-1')
    tokens.reject(REQUEST, 'result-1')
    expect(await settled(clock, tokens.get(REQUEST))).to.equal('result-2')
    tokens.reject(REQUEST, 'result-1')
    tokens.reject(REQUEST, 'result-2')
    expect(tokens.get(REQUEST)).to.equal('result-2')
    await clock.advance(30_000)
    tokens.reject(REQUEST, 'result-2')
    expect(await settled(clock, tokens.get(REQUEST))).to.equal('result-3')
    expect(sent).to.have.lengthOf(3)
    expect(captured.lines('token not accepted by the partner')).to.have.lengthOf(2)
  })
})

describe('a token that is sent as its issuer signed it', () => {
  it('stays whatever the partner says of it', async () => {
    const { tokens } = createExchanging()
    const request: TokenRequest = requestFor()
    await tokens.get(request)
    tokens.reject(request, 'token-1')
    expect(tokens.get(request)).to.equal('token-1')
  })
})
