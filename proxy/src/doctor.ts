// doctor: asks the proxy in this pod to examine itself and prints what it found.
//   kubectl exec POD -c aws-outbound-jwt-proxy -- /nodejs/bin/node /app/doctor.mjs [--json]
// The checks run in the proxy, on its own credentials: a second AWS SDK would not fit inside the sidecar's memory limit.
import { get } from 'node:http'
import { CONTROL_PORT, EXIT } from './contract/names.ts'
import type { Report } from './doctor/report.ts'
import { renderText } from './doctor/report.ts'
import { listenAddress } from './runtime/addresses.ts'

/** More than the proxy takes at worst. */
const WAIT_MS = 45_000
const EXAMINED = { pass: 0, warn: 0, fail: 1 } as const
const UNREACHABLE = 2

const USAGE =
  'usage: doctor.mjs [--json]: asks the sidecar of this pod to examine itself; exit status 0 fine, 1 a check fails, 2 no answer'

const options = process.argv.slice(2)
if (options.includes('--help')) {
  process.stdout.write(`${USAGE}\n`)
  process.exit(0)
}
if (options.some((option) => option !== '--json')) end(USAGE, EXIT.settings)
const text = process.env['CONTROL_LISTEN_ADDR'] ?? ''
const parsed = listenAddress(text === '' ? `127.0.0.1:${CONTROL_PORT}` : text)
if (!parsed.ok) end(`CONTROL_LISTEN_ADDR: expected ${parsed.allowed}`, EXIT.settings)

get({ ...parsed.value, path: '/doctor', signal: AbortSignal.timeout(WAIT_MS) }, (response) => {
  let body = ''
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => (body += chunk))
  response.on('end', () => print(response.statusCode ?? 0, body))
  response.on('error', unreachable)
}).on('error', unreachable)

function print(status: number, body: string): void {
  if (status !== 200) {
    end(`the proxy answers ${status}: ${body.trim()}`, UNREACHABLE)
    return
  }
  const report = JSON.parse(body) as Report
  process.stdout.write(options.includes('--json') ? `${JSON.stringify(report, undefined, 2)}\n` : renderText(report))
  process.exitCode = EXAMINED[report.verdict]
}

function unreachable(error: Error): void {
  end(`the proxy does not answer on ${text === '' ? `port ${CONTROL_PORT}` : text}: ${error.message}`, UNREACHABLE)
}

function end(message: string, status: number): never {
  process.stderr.write(`${message}\n`)
  process.exit(status)
}
