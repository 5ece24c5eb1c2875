// The application: it knows URLs and plain `fetch`, nothing of tokens or proxies. Prints what each answered, a line each, and ends with 1 when one was not 200.
// application URL... [--serve | --every MILLISECONDS]; several URLs are called at once.
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'

const { values, positionals: urls } = parseArgs({
  allowPositionals: true,
  options: { serve: { type: 'boolean', default: false }, every: { type: 'string', default: '0' } },
})
/** What a timer can wait. */
const LONGEST_MS = 2 ** 31 - 1
if (urls.length === 0) throw new Error('usage: application URL... [--serve | --every MILLISECONDS]')

const stop = new AbortController()
const { signal } = stop
process.on('SIGTERM', () => stop.abort())
do {
  await Promise.all(urls.map(call))
  await pause(Number(values.every))
} while (values.every !== '0' && !signal.aborted)
// Keeps the pod running, as a server would; the tests read the lines above from its log.
if (values.serve) await pause(LONGEST_MS)

/** Ends early, and quietly, when the process is told to stop. */
async function pause(milliseconds: number): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => undefined)
}

async function call(url: string): Promise<void> {
  const answer = await fetch(url)
    .then(async (response) => ({ status: response.status, body: await response.text() }))
    .catch((error: unknown) => ({ status: 0, body: String(error) }))
  if (answer.status !== 200) process.exitCode = 1
  process.stdout.write(`${JSON.stringify({ msg: 'answer', url, ...answer })}\n`)
}
