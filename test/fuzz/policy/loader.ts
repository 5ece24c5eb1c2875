import { Writable } from 'node:stream'
import { createLogger, createMetrics } from '../../../proxy/src/runtime/index.ts'
import type { Policy } from '../../../webhook/src/injection/policy/policy.ts'
import { METRICS } from '../../../webhook/src/metrics.ts'
import type { PolicyFile } from '../../../webhook/src/policy-file.ts'
import { startPolicyFile } from '../../../webhook/src/policy-file.ts'
import { until } from '../../support/until.ts'

/** As problems name it. */
export const FILE = '/policy/policy.yaml'

/** The webhook's own loader, following a file that a test replaces. */
export interface Loader {
  current(): Policy
  /** Resolves when it was looked at. @param text null for a file that is gone. */
  replace(text: string | null): Promise<void>
  /** What the metric says of the file. */
  isCurrent(): Promise<boolean>
  stop(): void
}

export function createLoader(first: string): Loader {
  let text: string | null = first
  let reads = 0
  const read = (): string => {
    reads++
    return present(text)
  }
  const { instruments, render } = createMetrics(METRICS)
  const file = start(read, 1, instruments)
  return {
    current: file.current,
    replace: async (next) => {
      text = next
      // The second begins when the first is done.
      const wanted = reads + 2
      await until('the file was read', () => reads >= wanted, undefined, 1)
    },
    isCurrent: async () => (await render()).body.includes('\noutbound_jwt_policy_current 1\n'),
    stop: file.stop,
  }
}

/** Starts as a webhook does, and stops. @throws SettingsError when it cannot. */
export function startOnce(text: string | null): void {
  start(() => present(text), 60_000, createMetrics(METRICS).instruments).stop()
}

/** A run writes more lines than fit in memory. */
const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })

function start(
  read: () => string,
  pollMs: number,
  instruments: ReturnType<typeof createMetrics<typeof METRICS>>['instruments'],
): PolicyFile {
  const log = createLogger({ level: 'error', format: 'json', stream: nowhere })
  return startPolicyFile({ path: FILE, read, pollMs, log, instruments }) ?? unreachable()
}

function present(text: string | null): string {
  if (text !== null) return text
  throw Object.assign(new Error('gone'), { code: 'ENOENT' })
}

function unreachable(): never {
  throw new Error('there is no file only without a path')
}
