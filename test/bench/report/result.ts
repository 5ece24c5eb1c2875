import type { Machine } from './machine.ts'

/** What one bench found. Every bench writes one, and the report is made of them. */
export interface Result {
  readonly title: string
  /** What the figures hold for: load, rounds, pinning, what was taken as one operation. One sentence each. */
  readonly conditions: readonly string[]
  readonly bars: readonly Bar[]
  readonly tables: readonly Table[]
}

/** A limit that this bench measures. A ratio or a count wherever it can be: seconds differ from machine to machine. */
export interface Bar {
  /** For example `CPU beside nginx, http in, https out`. */
  readonly what: string
  readonly bound: 'at most' | 'at least'
  readonly limit: number
  /** Undefined when what it is compared with is not on this machine. */
  readonly measured: number | undefined
  /** For example `×` or `MB`. */
  readonly unit: string
}

export interface Table {
  readonly title: string
  readonly columns: readonly string[]
  /** Numbers are printed with three significant digits, `undefined` as a dash. */
  readonly rows: readonly (readonly Cell[])[]
  readonly notes?: readonly string[]
}

/** `null` is what JSON makes of `undefined` in a list. */
export type Cell = string | number | undefined | null

/** A result as it is kept, with where and when. */
export interface KeptResult extends Result {
  readonly name: string
  /** ISO 8601, in UTC. */
  readonly at: string
  readonly machine: Machine
}

/** All results together. */
export interface Report {
  readonly at: string
  readonly machine: Machine
  /** Benches without a result: they failed. */
  readonly missing: readonly string[]
  readonly results: readonly KeptResult[]
}

/** Whether a bar holds; undefined when it was not measured. */
export function holds({ bound, limit, measured }: Bar): boolean | undefined {
  if (measured === undefined || !Number.isFinite(measured)) return undefined
  return bound === 'at most' ? measured <= limit : measured >= limit
}
