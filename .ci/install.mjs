// Brings node_modules up to the lockfile before a script runs: those of the repository, or of the folder that is named.
// Plain JavaScript for Node 18 or newer: it runs before the pinned Node is there. Each npm script calls it inline because
// `.npmrc` switches lifecycle (pre…) scripts off.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'

const LOCKFILE = 'package-lock.json'
/** Written by npm at the end of every install, so its age is the install's age. */
const INSTALLED = 'node_modules/.package-lock.json'
const PINNED_PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-arm64']
const OLDEST_NODE = [22, 19]

process.chdir(process.argv[2] ?? '.')
const current = existsSync(INSTALLED) && statSync(INSTALLED).mtimeMs >= statSync(LOCKFILE).mtimeMs
if (!current) install()
checkPlatform()

function install() {
  process.stderr.write('Installing dependencies with npm ci (once, and after the lockfile changes)\n')
  // The engine field describes the pinned Node, which this very command installs; a warning about the old one would mislead.
  const result = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: ['ignore', 2, 2],
  })
  if (result.status !== 0) fail(`npm ci failed${result.error ? `: ${result.error.message}` : ''}`)
}

function checkPlatform() {
  const platform = `${process.platform}-${process.arch}`
  if (PINNED_PLATFORMS.includes(platform) && existsSync('node_modules/.bin/node')) return
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8'))
  fail(
    `No pinned Node for ${platform}, and your Node is ${process.versions.node}.\n` +
      `Either work on ${PINNED_PLATFORMS.join(', ')}, or put a Node ${engines.node} on your PATH.`,
  )
}

/** @param {string} message */
function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
