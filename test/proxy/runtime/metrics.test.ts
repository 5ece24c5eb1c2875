import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createMetrics } from '../../../proxy/src/runtime/metrics.ts'

const TABLE = {
  calls: { type: 'counter', name: 'calls_total', help: 'Calls.', labels: ['route', 'code'] },
  open: { type: 'gauge', name: 'open', help: 'Open.', labels: ['route'] },
  load: { type: 'gauge', name: 'load', help: 'Load.', labels: [] },
  took: { type: 'histogram', name: 'took_seconds', help: 'Time.', labels: ['route'], buckets: [1] },
} as const

describe('metrics', () => {
  const scrape = async ({ render }: ReturnType<typeof create>): Promise<string[]> =>
    (await render()).body.split('\n').filter((line) => /^(?:calls|open|load|took)/.test(line))
  const create = (): ReturnType<typeof createMetrics<typeof TABLE>> => createMetrics(TABLE)

  it('count each combination of labels by itself, whoever counts and however often it is scraped', async () => {
    const metrics = create()
    const { calls } = metrics.instruments
    calls.with({ route: 'a', code: '1' }).add()
    const bound = calls.with({ route: 'a', code: '1' })
    bound.add(2)
    calls.with({ route: 'b', code: '1' }).add()
    const lines = ['calls_total{route="a",code="1"} 3', 'calls_total{route="b",code="1"} 1', 'load 0']
    expect(await scrape(metrics)).to.deep.equal(lines)
    expect(await scrape(metrics)).to.deep.equal(lines)
    bound.add()
    expect((await scrape(metrics))[0]).to.equal('calls_total{route="a",code="1"} 4')
  })

  it('show no series before something has happened', async () => {
    const metrics = create()
    metrics.instruments.calls.with({ route: 'a', code: '1' })
    metrics.instruments.open.with({ route: 'a' })
    expect(await scrape(metrics)).to.deep.equal(['load 0'])
  })

  it('go up and down, and are set', async () => {
    const metrics = create()
    const { open, load } = metrics.instruments
    open.with({ route: 'a' }).add(3)
    open.with({ route: 'a' }).add(-1)
    load.with({}).set(7)
    load.with({}).add()
    expect(await scrape(metrics)).to.deep.equal(['open{route="a"} 2', 'load 8'])
    open.with({ route: 'a' }).set(0)
    expect(await scrape(metrics)).to.deep.equal(['open{route="a"} 0', 'load 8'])
  })

  it('end with what they describe, and begin anew', async () => {
    const metrics = create()
    const { open } = metrics.instruments
    open.with({ route: 'a' }).set(5)
    open.with({ route: 'b' }).set(6)
    await scrape(metrics)
    open.remove({ route: 'a' })
    expect(await scrape(metrics)).to.deep.equal(['open{route="b"} 6', 'load 0'])
    open.with({ route: 'a' }).add()
    expect(await scrape(metrics)).to.include('open{route="a"} 1')
  })

  it('sort times into buckets', async () => {
    const metrics = create()
    metrics.instruments.took.with({ route: 'a' }).add(0.5)
    expect(await scrape(metrics)).to.include('took_seconds_bucket{le="1",route="a"} 1')
  })

  it('cost nothing and say nothing when switched off', async () => {
    const { instruments, render } = createMetrics(TABLE, false)
    instruments.calls.with({ route: 'a', code: '1' }).add()
    instruments.open.remove({ route: 'a' })
    expect((await render()).body.trim()).to.equal('')
  })
})
