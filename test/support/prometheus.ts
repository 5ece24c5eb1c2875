import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './port.ts'
import { until } from './until.ts'

export const HAS_PROMETHEUS = spawnSync('prometheus', ['--version']).status === 0

/** What is scraped, once a second. */
export interface Target {
  readonly address: string
  readonly namespace: string
  readonly pod: string
}

export interface Series {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

/** A series over time; times are seconds of the Unix epoch. */
export interface Curve {
  readonly metric: Readonly<Record<string, string>>
  readonly values: readonly (readonly [number, string])[]
}

/** Seconds of the Unix epoch, and between two points. */
export interface Range {
  readonly start: number
  readonly end: number
  readonly step: number
}

/** A real Prometheus. */
export interface Prometheus {
  query(expr: string): Promise<readonly Series[]>
  range(expr: string, range: Range): Promise<readonly Curve[]>
  close(): Promise<void>
}

/** Starts one that keeps its files in a directory, and waits until it has scraped every target. */
export async function startPrometheus(directory: string, targets: readonly Target[]): Promise<Prometheus> {
  const port = await freePort()
  const jobs = targets.map(({ address, ...labels }) => ({
    job_name: labels.pod,
    static_configs: [{ targets: [address], labels }],
  }))
  const file = join(directory, 'prometheus.json')
  writeFileSync(file, JSON.stringify({ global: { scrape_interval: '1s' }, scrape_configs: jobs }))
  const flags = {
    'config.file': file,
    'storage.tsdb.path': join(directory, 'series'),
    'web.listen-address': `127.0.0.1:${port}`,
    'log.level': 'error',
  }
  const child = spawn(
    'prometheus',
    Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
    { stdio: 'ignore' },
  )
  const ask = async <T>(path: string, parameters: Readonly<Record<string, string>>): Promise<readonly T[]> => {
    const url = `http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`
    const body = (await (await fetch(url)).json()) as Answer<T>
    if (body.status !== 'success') throw new Error(`${parameters['query']}: ${body.error}`)
    return body.data.result
  }
  const query = (expr: string): Promise<readonly Series[]> => ask('query', { query: expr })
  await until(
    'Prometheus has scraped every target',
    async () => (await query('up == 1').catch(() => [])).length === targets.length,
  )
  return {
    query,
    range: (expr, { start, end, step }) =>
      ask('query_range', { query: expr, start: String(start), end: String(end), step: String(step) }),
    close: async () => {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

interface Answer<T> {
  readonly status: string
  readonly error?: string
  readonly data: { readonly result: readonly T[] }
}
