// The startup probe of the injected sidecar: exits 0 once /startup of the admin port says so, 1 when it has not after 4 s.
// It waits by itself because each run of an exec probe starts a Node process. HTTP by hand, because loading a client costs more than that.
import { connect } from 'node:net'
import { ADMIN_PATHS, ADMIN_PORT, VARIABLES } from './contract/names.ts'
import { listenAddress } from './runtime/addresses.ts'

const WAIT_MS = 4_000
const INTERVAL_MS = 50
const REQUEST = `GET ${ADMIN_PATHS.startup} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`

const text = process.env[VARIABLES.adminListenAddr] ?? ''
const parsed = listenAddress(text === '' ? `[::]:${ADMIN_PORT}` : text)
if (!parsed.ok) {
  process.stderr.write(`${VARIABLES.adminListenAddr}: expected ${parsed.allowed}\n`)
  process.exit(1)
}
const { port } = parsed.value
/** A listener on every address is one on loopback, too. */
const host = ['::', '0.0.0.0'].includes(parsed.value.host) ? '127.0.0.1' : parsed.value.host
let last = `nothing listens on port ${port}`
setTimeout(() => {
  process.stderr.write(`${last} after ${WAIT_MS} ms\n`)
  process.exit(1)
}, WAIT_MS)
attempt()

function attempt(): void {
  let answer = ''
  const socket = connect(port, host, () => socket.write(REQUEST))
  socket.setEncoding('latin1')
  socket.on('data', (data: string) => (answer += data))
  socket.on('error', () => undefined)
  socket.on('close', () => {
    if (answer.startsWith('HTTP/1.1 200 ')) process.exit(0)
    if (answer !== '') last = answer.slice(answer.indexOf('\r\n\r\n')).trim()
    setTimeout(attempt, INTERVAL_MS)
  })
}
