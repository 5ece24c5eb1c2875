import { expect } from 'chai'
import { describe, it } from 'mocha'
import { LANES } from './lanes.ts'
import { latencyOf } from './load.ts'
import { FLOOR, cpu, samplesOf } from './samples.ts'
import type { Sample } from './samples.ts'

const [lane, other] = LANES as [(typeof LANES)[number], (typeof LANES)[number]]
const sample = (target: string, round: number, cpuPer10k: number | undefined, p50 = 1): Sample => ({
  lane,
  target,
  round,
  cpuPer10k,
  peakBytes: undefined,
  requests: 1,
  perSecond: 1,
  latency: { ...latencyOf([p50]), p50 },
})

describe('samples of a lane', () => {
  it('are compared within their round, so that a slow round is slow for both', () => {
    const samples = [
      ...[1, 10, 100].map((slowness, round) => sample('proxy', round, 3 * slowness)),
      ...[1, 10, 100].map((slowness, round) => sample('nginx', round, slowness)),
    ]
    expect(samplesOf(samples, lane.name).ratio('proxy', 'nginx', cpu)).to.equal(3)
  })

  it('have no ratio to what was not measured', () => {
    const of = samplesOf([sample('proxy', 1, 3), sample('direct', 1, undefined)], lane.name)
    expect(of.ratio('proxy', 'nginx', cpu)).to.equal(undefined)
    expect(of.ratio('proxy', 'direct', cpu)).to.equal(undefined)
    expect(of.values('direct', cpu)).to.deep.equal([])
    expect(samplesOf([sample('proxy', 1, 3)], other.name).values('proxy', cpu)).to.deep.equal([])
  })

  it('are over the floor of their own round by what a proxy adds', () => {
    const of = samplesOf(
      [sample(FLOOR, 1, undefined, 1), sample('proxy', 1, 1, 4), sample('nginx', 1, 1, 2), sample('proxy', 2, 1, 9)],
      lane.name,
    )
    expect(of.values('proxy', of.added)).to.deep.equal([3])
    expect(of.ratio('proxy', 'nginx', of.added)).to.equal(3)
  })
})

describe('latencies', () => {
  it('are told by their quantiles', () => {
    const milliseconds = Array.from({ length: 1000 }, (_, index) => 1000 - index)
    expect(latencyOf(milliseconds)).to.deep.equal({ p50: 501, p90: 901, p99: 991, p999: 1000, max: 1000 })
  })
})
