import { readFileSync } from 'node:fs'
import { usageOf } from '../proxy/measure.ts'
import type { Pinned } from '../proxy/pinned.ts'
import { startPinned } from '../proxy/pinned.ts'
import { quantile } from '../report/statistics.ts'
import type { Connection } from './load.ts'
import { openConnection, pace, saturate } from './load.ts'

/** One round of one server. */
export interface Sample {
  readonly perSecond: number
  /** Of the server, in microseconds. */
  readonly cpuPerRequest: number
  readonly p50: number
  readonly p99: number
}

export interface Contender {
  readonly idleMegabytes: number
  warmUp(request: Buffer): Promise<void>
  sample(request: Buffer, perSecond: number): Promise<Sample>
  stop(): Promise<void>
}

export interface ContenderOptions {
  readonly core: number
  readonly port: number
  /** Of node. */
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** In PEM. */
  readonly ca: string
}

const CONNECTIONS = 16
const WARM_UP_MS = 4_000
const SATURATE_MS = 2_000
const PACE_MS = 3_000

export const LOAD = `${CONNECTIONS} kept connections; rounds of ${SATURATE_MS / 1000} s with a request on each at all times, and ${PACE_MS / 1000} s at a fixed rate`

/** Starts a server on a core of its own. */
export async function startContender({ core, port, args, env, ca }: ContenderOptions): Promise<Contender> {
  const server = await startPinned({ core, program: process.execPath, args, port, ...(env && { env }) })
  const idleMegabytes = residentMegabytes(server)
  const connections: Connection[] = []
  const fill = async (): Promise<void> => {
    while (connections.length < CONNECTIONS) connections.push(await openConnection(port, ca))
  }
  return {
    idleMegabytes,
    warmUp: async (request) => {
      // Not before: a connection that says nothing is closed after a while.
      await fill()
      await saturate(connections, request, WARM_UP_MS)
    },
    sample: async (request, perSecond) => {
      const before = usageOf(server.pid).cpuSeconds
      const rate = await saturate(connections, request, SATURATE_MS)
      const used = usageOf(server.pid).cpuSeconds - before
      const latencies = await pace(connections, request, { perSecond, durationMs: PACE_MS })
      return {
        perSecond: rate,
        cpuPerRequest: (used * 1e6) / ((rate * SATURATE_MS) / 1000),
        p50: quantile(latencies, 0.5),
        p99: quantile(latencies, 0.99),
      }
    },
    stop: async () => {
      for (const connection of connections) connection.close()
      await server.stop()
    },
  }
}

function residentMegabytes({ pid }: Pinned): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}
