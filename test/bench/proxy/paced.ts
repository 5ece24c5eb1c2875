import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Worker } from 'node:worker_threads'
import { monotonicMs } from './clock.ts'
import { exchangeOver } from './exchange.ts'
import type { Connection } from './exchange.ts'
import { headerLines, latencyOf } from './load.ts'
import type { Latency, Load, LoadResult } from './load.ts'

export interface PacedLoad extends Load {
  readonly perSecond: number
  /** Trust anchor of a target with TLS. */
  readonly ca: string
}

export interface PacedResult extends LoadResult {
  /** How late the generator itself was, whatever the target did. It is part of every latency. */
  readonly lateness: Latency
}

/** After the last request is due. */
const PATIENCE_MS = 30_000

/**
 * Requests at fixed times, over kept connections in turn, whether earlier ones are answered or not. Latencies count from the time a
 * request was due, so waiting for a free connection counts. @throws on any answer but 200.
 */
export async function runPaced(load: PacedLoad): Promise<PacedResult> {
  const { perSecond, seconds } = load
  const total = perSecond * seconds
  const free = await Promise.all(Array.from({ length: load.connections }, () => open(load)))
  const all = [...free]
  const waiting: number[] = []
  const latencies: number[] = []
  const lateness: number[] = []
  const metronome = new Worker(new URL('metronome.ts', import.meta.url), { workerData: { perSecond, seconds } })
  const outcome = Promise.withResolvers<undefined>()
  const giveUp = setTimeout(
    () => {
      outcome.reject(new Error(`${total - latencies.length} of ${total} requests were not answered in time`))
    },
    seconds * 1000 + PATIENCE_MS,
  )
  const send = (connection: Connection, dueMs: number): void => {
    connection.send((error) => {
      if (error) outcome.reject(error)
      latencies.push(monotonicMs() - dueMs)
      const next = waiting.shift()
      if (next === undefined) free.push(connection)
      else send(connection, next)
      if (latencies.length === total) outcome.resolve(undefined)
    })
  }
  metronome.on('message', (dueMs: number) => {
    lateness.push(monotonicMs() - dueMs)
    const connection = free.shift()
    if (connection) send(connection, dueMs)
    else waiting.push(dueMs)
  })
  const startedMs = monotonicMs()
  try {
    await outcome.promise
  } finally {
    clearTimeout(giveUp)
    await metronome.terminate()
    for (const connection of all) connection.close()
  }
  return {
    requests: total,
    perSecond: (total * 1000) / (monotonicMs() - startedMs),
    latency: latencyOf(latencies),
    lateness: latencyOf(lateness),
  }
}

/** Opens a connection and has one request answered over it. */
async function open(load: PacedLoad): Promise<Connection> {
  const { target, path, ca } = load
  const { port, host } = target
  const socket = target.tls
    ? connectTls({ port, host: '127.0.0.1', servername: host, ca })
    : connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, target.tls ? 'secureConnect' : 'connect')
  const lines = Object.entries(headerLines(load)).map(([name, value]) => `${name}: ${value}\r\n`)
  const connection = exchangeOver(socket, Buffer.from(`GET ${target.origin}${path} HTTP/1.1\r\n${lines.join('')}\r\n`))
  await new Promise<void>((resolve, reject) => {
    connection.send((error) => (error ? reject(error) : resolve()))
  })
  return connection
}
