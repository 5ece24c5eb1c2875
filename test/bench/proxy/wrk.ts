import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { headerLines } from './load.ts'
import type { Latency, Load, LoadResult } from './load.ts'

/** As many requests as the connections carry, by one thread of wrk. @throws when any answer was not 2xx or any connection failed: a fast error is not speed. */
export async function runWrk(directory: string, load: Load): Promise<LoadResult> {
  const script = join(directory, 'request.lua')
  writeFileSync(script, luaScript(load))
  const { target, connections, seconds } = load
  const url = `${target.tls ? 'https' : 'http'}://127.0.0.1:${target.port}/`
  const wrk = spawn('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout=10s', '-s', script, url])
  let output = ''
  for (const stream of [wrk.stdout, wrk.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await once(wrk, 'close')
  const line = /^result (.*)$/m.exec(output)?.[1]
  if (line === undefined) throw new Error(`wrk said:\n${output}`)
  const { errors, requests, microseconds, latency } = JSON.parse(line) as WrkSummary
  if (errors !== 0) throw new Error(`${errors} of ${requests} requests failed:\n${output}`)
  return { requests, perSecond: (requests / microseconds) * 1e6, latency }
}

interface WrkSummary {
  readonly errors: number
  readonly requests: number
  readonly microseconds: number
  readonly latency: Latency
}

/** A JSON string of ASCII is a Lua string. */
const lua = (text: string): string => JSON.stringify(text)

function luaScript(load: Load): string {
  const headers = Object.entries(headerLines(load)).map(([name, value]) => `wrk.headers[${lua(name)}] = ${lua(value)}`)
  const { body, path, target } = load
  const request = [body === undefined ? '"GET"' : '"POST"', lua(target.origin + path), 'nil', body && lua(body)]
  return `
local bytes
function init()
  ${headers.join('\n  ')}
  bytes = wrk.format(${request.filter((part) => part !== undefined).join(', ')})
end
function request() return bytes end
function done(summary, latency)
  local e = summary.errors
  local function at(share) return latency:percentile(share) / 1000 end
  io.write(string.format('result {"errors":%d,"requests":%d,"microseconds":%d,"latency":{"p50":%f,"p90":%f,"p99":%f,"p999":%f,"max":%f}}\\n',
    e.connect + e.read + e.write + e.status + e.timeout, summary.requests, summary.duration,
    at(50), at(90), at(99), at(99.9), latency.max / 1000))
end
`
}
