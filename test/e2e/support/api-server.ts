import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { eventually } from './eventually.ts'
import { kubectl } from './kubectl.ts'

/** Environment: a command that ends the cluster's only API server with the signal it is given; somebody starts it again. */
export const RESTART_API_SERVER = 'RESTART_API_SERVER'

/** A graceful end, a start, and what a busy machine adds. */
const LIMIT_MS = 120_000
const execute = promisify(execFile)

/** Restarts the API server, and returns when another process of it serves. */
export async function restartApiServer(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const before = await startTime()
  await execute(process.env[RESTART_API_SERVER] ?? '', [signal], { timeout: LIMIT_MS })
  await eventually('another API server serves', async () => (await ready()) && (await startTime()) !== before, LIMIT_MS)
}

const ready = async (): Promise<boolean> => (await kubectl('get', '--raw', '/readyz')) === 'ok'

/** When its process began: no two have the same. */
async function startTime(): Promise<string | undefined> {
  return /^process_start_time_seconds (.*)$/m.exec(await kubectl('get', '--raw', '/metrics'))?.[1]
}
