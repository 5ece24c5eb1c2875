// The application: it knows a URL and plain `fetch`, nothing of tokens or proxies. Prints what the partner answered, once per line, until it is told to stop.
const url = process.argv[2]
if (url === undefined) throw new Error('usage: application URL [--serve]')

const response = await fetch(url)
process.stdout.write(`${JSON.stringify({ msg: 'answer', status: response.status, body: await response.text() })}\n`)
if (process.argv[3] === '--serve') {
  // Keeps the pod running, as a server would; the test reads the line above from the log.
  const alive = setInterval(() => undefined, 60_000)
  process.on('SIGTERM', () => clearInterval(alive))
}
