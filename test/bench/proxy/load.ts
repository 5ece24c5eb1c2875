import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** One request, repeated. */
export interface LoadOptions {
  readonly directory: string
  /** Where to connect. */
  readonly port: number
  /** The request target: a whole URL for a forward proxy, a path for the others. */
  readonly target: string
  readonly host: string
  readonly body?: string
  readonly connections: number
  readonly seconds: number
}

export interface LoadResult {
  readonly requests: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Runs wrk with one thread. @throws when any answer was not 2xx or any connection failed: a fast error is not speed. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const script = join(options.directory, 'request.lua')
  writeFileSync(script, luaScript(options))
  const wrk = spawn('wrk', [
    '-t1',
    `-c${options.connections}`,
    `-d${options.seconds}s`,
    '--timeout=10s',
    '-s',
    script,
    `http://127.0.0.1:${options.port}/`,
  ])
  let output = ''
  for (const stream of [wrk.stdout, wrk.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await once(wrk, 'close')
  const line = /^result (.*)$/m.exec(output)?.[1]
  if (line === undefined) throw new Error(`wrk said:\n${output}`)
  const { errors, requests, microseconds, p50, p99 } = JSON.parse(line) as Record<string, number>
  if (errors !== 0) throw new Error(`${errors} of ${requests} requests failed:\n${output}`)
  return {
    requests: requests!,
    perSecond: (requests! / microseconds!) * 1e6,
    p50Ms: p50! / 1000,
    p99Ms: p99! / 1000,
  }
}

function luaScript({ target, host, body }: LoadOptions): string {
  return `
local bytes
function init()
  wrk.headers["Host"] = ${JSON.stringify(host)}
  bytes = wrk.format(${body === undefined ? '"GET"' : '"POST"'}, ${JSON.stringify(target)}, nil, ${body === undefined ? 'nil' : JSON.stringify(body)})
end
function request() return bytes end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('result {"errors":%d,"requests":%d,"microseconds":%d,"p50":%d,"p99":%d}\\n',
    e.connect + e.read + e.write + e.status + e.timeout, summary.requests, summary.duration, latency:percentile(50), latency:percentile(99)))
end
`
}
