// `npm run bench:intercept`: https:// URLs intercepted, and gRPC, beside other programs that do the same work. See docs/performance.md.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { TARGETS } from './targets.ts'

if (process.platform !== 'linux' || process.getuid?.() !== 0)
  throw new Error('it needs a network namespace of its own, and so root on Linux')
// What is missing is installed here; in there is no way out.
const missing = Object.entries(TARGETS).flatMap(([name, row]) => {
  const why = row.missing?.()
  return why === undefined ? [] : [[name, why]]
})
// A steered port is the sidecar's on the loopback, while the partner has the same one on another address.
const inside = [join(import.meta.dirname, 'inside.ts'), JSON.stringify(missing), ...process.argv.slice(2)]
const { status } = spawnSync('unshare', ['--net', process.execPath, ...inside], { stdio: 'inherit' })
process.exitCode = status ?? 1
