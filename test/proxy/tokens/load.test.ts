import { expect } from 'chai'
import { describe, it } from 'mocha'
import { busiestHour, histogram, simulateFleet } from '../../support/tokens/fleet.ts'

const PODS = 1_000
const SPAN_SECONDS = 10

describe('a thousand pods that start at the same moment', function () {
  this.timeout(60_000)

  it('ask STS at most nine times in any hour each, and never together again, over a day', async () => {
    const fleet = await simulateFleet({ pods: PODS, hours: 24 })
    expect(Math.max(...fleet.map(busiestHour))).to.be.at.most(9)
    const perHour = fleet.flat().length / PODS / 24
    expect(perHour, 'calls per pod and hour').to.be.within(7.8, 8.2)
    const [start, ...later] = histogram(fleet, SPAN_SECONDS)
    expect(start, 'the start itself').to.equal(PODS)
    expect(Math.max(...later), `busiest ${SPAN_SECONDS} s after it`).to.be.at.most(0.07 * PODS)
  })

  it('fail no request and make no herd in an outage of six minutes, nor when it ends', async () => {
    const outage = { fromSeconds: 7_200, toSeconds: 7_560 }
    const spans = histogram(await simulateFleet({ pods: PODS, hours: 3, outage }), SPAN_SECONDS)
    const during = spans.slice(outage.fromSeconds / SPAN_SECONDS, outage.toSeconds / SPAN_SECONDS)
    const afterwards = spans.slice(outage.toSeconds / SPAN_SECONDS)
    expect(Math.max(...during), 'busiest 10 s during it: a call every 45 s each').to.be.at.most(0.4 * PODS)
    expect(Math.max(...afterwards), 'busiest 10 s after it').to.be.at.most(0.3 * PODS)
  })
})
