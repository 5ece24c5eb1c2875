import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Route } from '../../../proxy/src/contract.ts'
import { parseRoutes } from '../../../proxy/src/contract.ts'
import type { Finding } from '../../../proxy/src/doctor/report.ts'
import { useFindings } from '../../../proxy/src/doctor/use.ts'
import type { CallCounts } from '../../../proxy/src/http/telemetry/route-calls.ts'
import { createFakeClock } from '../../support/tokens/clock.ts'

const NONE: CallCounts = { request: 0, failed: 0, refused: 0, tunnel: 0, untrusted: 0, unaccepted: 0 }

function routesOf(https: string): readonly Route[] {
  const text = JSON.stringify([{ name: 'partner', hosts: ['api.partner.example'], https }])
  return parseRoutes(text, 'ROUTES', (problem) => expect.fail(JSON.stringify(problem)))
}

/** @returns the finding about one route, called that often, in a sidecar of that age. */
function use(counts: Partial<CallCounts>, { minutes = 40, https = 'refuse' } = {}): Finding {
  const clock = createFakeClock()
  const startedMs = clock.now().monotonicMs - minutes * 60_000
  const calls = { counts: () => new Map([['partner', { ...NONE, ...counts }]]) }
  const [finding] = useFindings({ calls, startedMs, clock }, routesOf(https))
  return finding ?? expect.fail('no finding')
}

describe('use', () => {
  it('passes when the route is called with its token', () => {
    expect(use({ request: 12 })).to.deep.equal({
      id: 'use',
      subject: 'partner',
      verdict: 'pass',
      found: '12 requests with a token, since the sidecar started 40 min ago.',
    })
  })

  it('warns of a route that nobody calls, and says that https:// URLs pass the sidecar', () => {
    const { verdict, found, fix } = use({})
    expect({ verdict, found }).to.deep.equal({
      verdict: 'warn',
      found: 'Not called since the sidecar started 40 min ago.',
    })
    expect(fix).to.match(/https:\/\/ URL, which passes the sidecar without a token/)
    expect(use({}, { https: 'intercept' }).fix).to.match(/ignores HTTP_PROXY and HTTPS_PROXY.*steering to hosts/)
  })

  it('is patient with a sidecar that has just started', () => {
    expect(use({}, { minutes: 1 })).to.include({
      verdict: 'skip',
      found: 'Not called since the sidecar started 60 s ago.',
    })
  })

  it('fails when every call was an https:// URL that is refused, and names the URL to use', () => {
    expect(use({ refused: 3 }, { minutes: 1 })).to.deep.equal({
      id: 'use',
      subject: 'partner',
      verdict: 'fail',
      found:
        '0 requests with a token, 3 calls refused because the URL is https://, since the sidecar started 60 s ago.',
      fix: 'Call http://api.partner.example/, or set outbound-jwt.io/https to intercept.',
    })
    expect(use({ untrusted: 1 }, { https: 'intercept' })).to.include({ verdict: 'fail' })
  })

  it('fails when no call got as far as the partner, and leads to the cause', () => {
    const { verdict, found, fix } = use({ failed: 4 }, { minutes: 1 })
    expect({ verdict, found }).to.deep.equal({
      verdict: 'fail',
      found: '0 requests with a token, 4 calls that never reached the partner, since the sidecar started 60 s ago.',
    })
    expect(fix).to.match(/`token`.*`request failed`/)
  })

  it('passes when others got through, and still counts those that failed', () => {
    expect(use({ request: 9, failed: 1 })).to.deep.include({
      verdict: 'pass',
      found: '9 requests with a token, 1 call that never reached the partner, since the sidecar started 40 min ago.',
    })
  })

  it('fails when the partner accepts no token, and leads to what it has registered', () => {
    const { verdict, found, fix } = use({ request: 3, unaccepted: 3 })
    expect({ verdict, found }).to.deep.equal({
      verdict: 'fail',
      found: '3 requests with a token, 3 of them answered with 401 or 403, since the sidecar started 40 min ago.',
    })
    expect(fix).to.match(/`registration` above.*`challenge`/)
    expect(use({ request: 3, unaccepted: 2 })).to.include({ verdict: 'warn' })
    expect(use({ request: 9, unaccepted: 2 })).to.deep.include({
      verdict: 'pass',
      found: '9 requests with a token, 2 of them answered with 401 or 403, since the sidecar started 40 min ago.',
    })
  })

  it('warns when some calls miss the token', () => {
    expect(use({ request: 1, refused: 1 })).to.include({ verdict: 'warn' })
    expect(use({ tunnel: 2 }, { https: 'tunnel' })).to.include({
      verdict: 'warn',
      found:
        '0 requests with a token, 2 calls without a token in a tunnel (https: tunnel), since the sidecar started 40 min ago.',
    })
  })

  it('says nothing of routes that are not counted', () => {
    const clock = createFakeClock()
    const calls = { counts: () => new Map<string, CallCounts>() }
    expect(useFindings({ calls, startedMs: 0, clock }, routesOf('refuse'))).to.deep.equal([])
  })
})
