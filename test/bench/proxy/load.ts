import { quantile } from '../report/statistics.ts'
import type { Target } from './target.ts'

/** One request, repeated. */
export interface Load {
  readonly target: Target
  readonly path: string
  /** Makes it a POST. */
  readonly body?: string
  readonly connections: number
  /** Whether each request has a connection of its own. */
  readonly closes?: boolean
  readonly seconds: number
}

export interface LoadResult {
  readonly requests: number
  readonly perSecond: number
  readonly latency: Latency
}

/** In milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

export function latencyOf(milliseconds: readonly number[]): Latency {
  const sorted = [...milliseconds].sort((a, b) => a - b)
  const at = (share: number): number => quantile(sorted, share)
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1) }
}

/** The head of the request, in order. */
export function headerLines({ target, closes }: Load): Readonly<Record<string, string>> {
  return { Host: target.host, ...target.headers, ...(closes && { Connection: 'close' }) }
}
