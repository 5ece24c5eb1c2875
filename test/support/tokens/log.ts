import { createLogger } from '../../../proxy/src/runtime/index.ts'
import type { Logger } from '../../../proxy/src/runtime/index.ts'
import { captureStream } from '../capture.ts'

export interface CapturedLog {
  readonly log: Logger
  /** Lines so far whose message is this, parsed. */
  lines(message: string): Record<string, unknown>[]
  text(): string
}

export function captureLog(): CapturedLog {
  const { stream, text } = captureStream()
  const lines = (message: string): Record<string, unknown>[] =>
    text()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === message)
  return { log: createLogger({ level: 'debug', format: 'json', stream }), lines, text }
}
