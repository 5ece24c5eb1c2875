import type { Measured } from '../proxy/samples.ts'
import { cpu, roundsOf } from '../proxy/samples.ts'
import { rangeOf } from '../proxy/tables.ts'
import type { Bar, Table } from '../report/result.ts'
import { median } from '../report/statistics.ts'
import type { Lane } from './lanes.ts'
import type { OtherTraffic } from './other.ts'
import { HTTP_PATH } from './targets.ts'

/** One target in one round of one lane. */
export interface Sample extends Measured {
  readonly lane: Lane
  readonly cpuPer10k: number
  readonly perSecond: number
  /** Largest resident memory up to then. */
  readonly peakBytes: number
}

/** Medians over the rounds. */
export function tableOf({ name, title, loads }: Lane, samples: readonly Sample[]): Table {
  const of = roundsOf(samples, name)
  const [yardstick = ''] = Object.keys(loads)
  const targets = Object.keys(loads).filter((target) => of.values(target, cpu).length > 0)
  return {
    title,
    columns: ['target', 'CPU-s/10k', 'min–max', `× ${yardstick}`, 'per second', 'peak RSS MiB'],
    rows: targets.map((target) => [
      target,
      median(of.values(target, cpu)),
      rangeOf(of.values(target, cpu)),
      of.ratio(target, yardstick, cpu),
      Math.round(median(of.values(target, ({ perSecond }) => perSecond))),
      Math.round(median(of.values(target, ({ peakBytes }) => peakBytes)) / 2 ** 20),
    ]),
  }
}

export function otherTable(found: readonly OtherTraffic[]): Table {
  return {
    title: 'Calls of a pod to a host that is nobody’s partner',
    columns: ['steering', 'calls', 'answered', 'through the sidecar'],
    rows: found.map(({ steering, calls, answered, throughSidecar }) => [steering, calls, answered, throughSidecar]),
    notes: ['A Node application with the environment and the host aliases that the webhook gives it.'],
  }
}

/** The limits that interception is held to, of the lanes that were run. */
export function barsOf(samples: readonly Sample[], other: readonly OtherTraffic[]): readonly Bar[] {
  const bar = (what: string, limit: number, measured: number | undefined, unit = '×'): Bar => ({
    what,
    bound: 'at most',
    limit,
    measured,
    unit,
  })
  const ratio = (lane: string, target: string, yardstick: string): number | undefined =>
    roundsOf(samples, lane).ratio(target, yardstick, cpu)
  const steered = other.find(({ steering }) => steering === 'hosts')
  return [
    bar('CPU of interception beside our http:// path, kept connections', 1.6, ratio('kept', 'proxy', HTTP_PATH)),
    bar('CPU of interception beside squid, kept connections', 1, ratio('kept', 'proxy', 'squid')),
    bar('CPU of interception beside goproxy, kept connections', 1.5, ratio('kept', 'proxy', 'goproxy')),
    bar('CPU of interception beside mitmproxy, kept connections', 0.1, ratio('kept', 'proxy', 'mitmproxy')),
    bar('CPU of interception beside goproxy, a handshake each', 2, ratio('handshake', 'proxy', 'goproxy')),
    bar('CPU of interception beside squid, a handshake each', 1.2, ratio('handshake', 'proxy', 'squid')),
    bar('CPU of steering beside interception by CONNECT, kept connections', 1, ratio('kept', 'steered', 'proxy')),
    bar('calls to other hosts that reach the sidecar with steering', 0, steered?.throughSidecar, 'calls'),
    bar('CPU of a unary gRPC call beside our HTTP/1.1 path', 2, ratio('unary', 'proxy', HTTP_PATH)),
    bar('peak memory after all rounds of 1 MiB gRPC messages beside the first', 1.1, growth(samples)),
  ]
}

/** Of the proxy in the lane of large messages; undefined with fewer than two rounds. */
function growth(samples: readonly Sample[]): number | undefined {
  const peaks = roundsOf(samples, 'stream').values('proxy', ({ peakBytes }) => peakBytes)
  return peaks.length < 2 ? undefined : peaks.at(-1)! / peaks[0]!
}
