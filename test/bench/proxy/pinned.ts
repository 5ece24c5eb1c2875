import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { accepts } from '../../support/port.ts'
import { until } from '../../support/until.ts'

export interface PinnedOptions {
  readonly core: number
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** What it listens on once it is ready; the address is the loopback unless said otherwise. */
  readonly port: number
  readonly address?: string
}

/** A program on one core, listening. */
export interface Pinned {
  readonly pid: number
  stop(): Promise<void>
}

const START_MS = 30_000

/** Starts a program on one core and waits for its port. It ends with this process, however that ends: `kill -9` leaves nothing behind. */
export async function startPinned({ core, program, args, env = {}, port, address }: PinnedOptions): Promise<Pinned> {
  const command = ['--pdeathsig', 'TERM', 'taskset', '-c', String(core), program, ...args]
  const child = spawn('setpriv', command, { env: { PATH: process.env['PATH'], ...env }, stdio: 'ignore' })
  const gone = once(child, 'close')
  await until(`${program} ${args.join(' ')} listens on ${port}`, () => isListening(child, port, address), START_MS)
  return {
    pid: child.pid ?? -1,
    stop: async () => {
      // nginx takes its worker along on SIGTERM, not on SIGKILL; the others have nothing to finish.
      child.kill('SIGTERM')
      await gone
    },
  }
}

async function isListening(child: ChildProcess, port: number, address?: string): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode}`)
  return accepts(port, address)
}
