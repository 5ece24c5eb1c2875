import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { Histogram, Registry } from 'prom-client'
import { createMetrics } from '../../../proxy/src/runtime/metrics.ts'

const ROW = {
  type: 'histogram',
  name: 'took_seconds',
  help: 'Time.',
  labels: ['route', 'code'],
  buckets: [0.1, 1, 2.5],
} as const

const scrape = async ({ render }: ReturnType<typeof createMetrics>): Promise<string> => {
  const { body } = await render()
  return body.slice(body.indexOf('# HELP took_seconds'))
}

describe('a histogram', () => {
  const observations = fc.array(
    fc.record({
      labels: fc.record({ route: fc.constantFrom('a', 'b "quoted"', 'c\\d'), code: fc.constantFrom('', '200') }),
      value: fc.oneof(fc.constantFrom(...ROW.buckets), fc.double({ min: 0, max: 5, noNaN: true })),
    }),
  )

  it('is scraped as prom-client would have written it', async () => {
    await fc.assert(
      fc.asyncProperty(observations, async (all) => {
        const registry = new Registry()
        const theirs = new Histogram({
          ...ROW,
          labelNames: ROW.labels,
          buckets: [...ROW.buckets],
          registers: [registry],
        })
        const ours = createMetrics({ took: ROW })
        for (const { labels, value } of all) {
          theirs.observe(labels, value)
          ours.instruments.took.with(labels).add(value)
        }
        expect(await scrape(ours)).to.equal(await registry.metrics())
      }),
      { numRuns: 200 },
    )
  })

  it('forgets a series that is removed, and begins it anew', async () => {
    const metrics = createMetrics({ took: ROW })
    const labels = { route: 'a', code: '200' }
    const bound = metrics.instruments.took.with(labels)
    bound.add(3)
    bound.set(5)
    metrics.instruments.took.remove(labels)
    expect(await scrape(metrics)).to.not.include('took_seconds_count')
    bound.add(0.5)
    const lines = (await scrape(metrics)).split('\n')
    expect(lines).to.include('took_seconds_sum{route="a",code="200"} 0.5')
    expect(lines).to.include('took_seconds_bucket{le="1",route="a",code="200"} 1')
    expect(lines).to.include('took_seconds_bucket{le="0.1",route="a",code="200"} 0')
  })
})
