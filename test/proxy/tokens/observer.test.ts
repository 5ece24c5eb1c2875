import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { METRICS } from '../../../proxy/src/metrics.ts'
import { createMetrics } from '../../../proxy/src/runtime/index.ts'
import { createTokenObserver } from '../../../proxy/src/tokens/observer.ts'
import type { TokenObserver } from '../../../proxy/src/tokens/observer.ts'
import { requestFor } from '../../support/tokens/request.ts'

describe('metrics of tokens', () => {
  let observer: TokenObserver
  let scrape: () => Promise<string[]>

  beforeEach(() => {
    const { instruments, render } = createMetrics(METRICS)
    observer = createTokenObserver(instruments)
    scrape = async () =>
      (await render()).body.split('\n').filter((line) => /^outbound_jwt_(?:token|clock|aws)/.test(line))
  })

  const token = (expires: number, bytes = 900): Parameters<TokenObserver['replaced']>[1] => ({
    issuedWallMs: 1_000_000,
    expiresWallMs: expires * 1_000,
    clockSkewMs: -1_500,
    bytes,
  })
  const host = (name: string): ReturnType<typeof requestFor> => requestFor({ audience: [name] })

  it('count lookups, attempts by class, and refreshes that failed', async () => {
    observer.looked('hit')
    observer.looked('hit')
    observer.looked('miss')
    observer.fetched('ok')
    observer.fetched('config')
    observer.refreshFailed('partner')
    expect(await scrape()).to.include.members([
      'outbound_jwt_token_lookups_total{result="hit"} 2',
      'outbound_jwt_token_lookups_total{result="miss"} 1',
      'outbound_jwt_token_fetches_total{result="ok"} 1',
      'outbound_jwt_token_fetches_total{result="config"} 1',
      'outbound_jwt_token_refresh_failures_total{route="partner"} 1',
    ])
  })

  it('show the token in use of each route, and of several the one that expires first', async () => {
    observer.replaced(host('a'), token(2_000))
    observer.replaced(host('b'), token(1_900, 1_234))
    expect(await scrape()).to.include.members([
      'outbound_jwt_token_issued_timestamp_seconds{route="partner"} 1000',
      'outbound_jwt_token_expiry_timestamp_seconds{route="partner"} 1900',
      'outbound_jwt_token_bytes{route="partner"} 1234',
      'outbound_jwt_clock_skew_seconds{route="partner"} -1.5',
    ])
    observer.replaced(host('b'), token(2_800))
    expect(await scrape()).to.include('outbound_jwt_token_expiry_timestamp_seconds{route="partner"} 2000')
  })

  it('show no clock of an issuer whose token is opaque', async () => {
    observer.replaced(host('a'), token(2_000))
    observer.replaced(host('a'), { ...token(2_000), clockSkewMs: undefined })
    const lines = await scrape()
    expect(lines).to.include('outbound_jwt_token_expiry_timestamp_seconds{route="partner"} 2000')
    expect(lines.filter((line) => line.startsWith('outbound_jwt_clock_skew_seconds{'))).to.deep.equal([])
  })

  it('show no token that nobody uses any more: an alert on its expiry would be false', async () => {
    observer.replaced(host('a'), token(2_000))
    observer.replaced(host('b'), token(1_900))
    observer.dropped(host('b'))
    expect(await scrape()).to.include('outbound_jwt_token_expiry_timestamp_seconds{route="partner"} 2000')
    observer.dropped(host('a'))
    observer.dropped(host('never seen'))
    expect((await scrape()).filter((line) => line.includes('route='))).to.deep.equal([])
  })

  it('show when the AWS session ends, and 0 when that is not known', async () => {
    observer.session(3_000_000)
    expect(await scrape()).to.include('outbound_jwt_aws_session_end_timestamp_seconds 3000')
    observer.session(undefined)
    expect(await scrape()).to.include('outbound_jwt_aws_session_end_timestamp_seconds 0')
  })

  it('cost nothing when metrics are off', async () => {
    const { instruments, render } = createMetrics(METRICS, false)
    const silent = createTokenObserver(instruments)
    silent.replaced(host('a'), token(1))
    silent.dropped(host('a'))
    silent.looked('hit')
    expect((await render()).body.trim()).to.equal('')
  })
})
