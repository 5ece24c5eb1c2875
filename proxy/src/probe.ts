// The startup probe of the injected sidecar: exits 0 once the proxy's port accepts a connection, 1 when it has not after 4 s.
// It waits by itself because each run of an exec probe starts a Node process.
import { connect } from 'node:net'
import { PROXY_PORT, VARIABLES } from './contract/names.ts'
import { listenAddress } from './runtime/addresses.ts'

const WAIT_MS = 4_000
const INTERVAL_MS = 50

const text = process.env[VARIABLES.listenAddr] ?? ''
const parsed = listenAddress(text === '' ? `127.0.0.1:${PROXY_PORT}` : text)
if (!parsed.ok) {
  process.stderr.write(`${VARIABLES.listenAddr}: expected ${parsed.allowed}\n`)
  process.exit(1)
}
const { host, port } = parsed.value
setTimeout(() => {
  process.stderr.write(`nothing listens on port ${port} after ${WAIT_MS} ms\n`)
  process.exit(1)
}, WAIT_MS)
attempt()

function attempt(): void {
  const socket = connect(port, host)
  socket.on('connect', () => process.exit(0))
  socket.on('error', () => {
    socket.destroy()
    setTimeout(attempt, INTERVAL_MS)
  })
}
