import { EXIT } from '../contract/names.ts'
import type { Logger } from './logger.ts'
import { SettingsError } from './settings.ts'

/** What a process of ours needs of `process`; tests pass an EventEmitter. */
export interface ProcessPort {
  on(event: 'SIGTERM' | 'SIGINT', listener: () => void): unknown
  on(event: 'uncaughtException' | 'unhandledRejection', listener: (error: unknown) => void): unknown
  exit(status: number): void
}

export interface LifecycleDeps {
  readonly process: ProcessPort
  readonly log: Logger
  /** Finishes what is in flight and closes every listener. */
  readonly drain: () => Promise<void>
  /** After this the process exits 1 whatever is still open. */
  readonly shutdownTimeoutMs: number
}

/**
 * Ends the process on SIGTERM or SIGINT after a drain (0), when the drain outlasts its limit (1), and on any uncaught error (1):
 * a process whose invariants are broken must not go on holding tokens.
 */
export function superviseProcess({ process, log, drain, shutdownTimeoutMs }: LifecycleDeps): void {
  let stopping = false
  const stop = (signal: string) => (): void => {
    if (stopping) return
    stopping = true
    log.info('draining', { signal, limitMs: shutdownTimeoutMs })
    const limit = setTimeout(() => {
      log.error('shutdown timeout passed with work in flight', { limitMs: shutdownTimeoutMs })
      process.exit(EXIT.fatal)
    }, shutdownTimeoutMs)
    drain().then(
      () => {
        clearTimeout(limit)
        log.info('drained')
        process.exit(EXIT.drained)
      },
      (error: unknown) => fatal(error),
    )
  }
  const fatal = (error: unknown): void => {
    log.error('fatal', { error: describeError(error) })
    process.exit(EXIT.fatal)
  }
  process.on('SIGTERM', stop('SIGTERM'))
  process.on('SIGINT', stop('SIGINT'))
  process.on('uncaughtException', fatal)
  process.on('unhandledRejection', fatal)
}

/** @returns name, message and stack of anything that was thrown, never its other properties: SDK errors carry requests. */
export function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? `${error.name}: ${error.message}`) : String(error)
}

/** @returns what could be read; ends the process with a message and status 64 when settings cannot be used. */
export async function settingsOrExit<T>(
  process: Pick<NodeJS.Process, 'stderr' | 'exit'>,
  read: () => T | Promise<T>,
): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(EXIT.settings)
  }
}
