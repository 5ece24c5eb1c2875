import { LOG_LEVELS } from '../contract/names.ts'

export { LOG_LEVELS }
export type LogLevel = (typeof LOG_LEVELS)[number]
export const LOG_FORMATS = ['json', 'text'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

/** SECURITY: flat scalars only, so that nobody logs a header map, a request, a pod body or an SDK response by accident. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

export interface Logger {
  error(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
  /** Whether a line of this level would be written; ask before building fields on a hot path. */
  enabled(level: LogLevel): boolean
  /** Read and changed at run time over the control port. */
  level: LogLevel
}

export interface LoggerOptions {
  readonly level: LogLevel
  readonly format: LogFormat
  readonly stream: NodeJS.WritableStream
}

/** Anything that looks like a compact JWS or a credential header value. No part can give back what it took: linear in the line's length. */
const SECRETS = /eyJ[\w-]{5,}(?:\.[\w-]*){0,2}|\b(Bearer|Basic)\s+[\w.~+/=-]+/g

/** Creates a logger that writes one line per event: `time`, `level`, `msg`, then the fields. */
export function createLogger({ level, format, stream }: LoggerOptions): Logger {
  const render = format === 'json' ? JSON.stringify : logfmt
  let current = level
  const enabled = (wanted: LogLevel): boolean => LOG_LEVELS.indexOf(wanted) <= LOG_LEVELS.indexOf(current)
  const write = (wanted: LogLevel) => (message: string, fields?: LogFields) => {
    if (!enabled(wanted)) return
    const line = render({ time: new Date().toISOString(), level: wanted, msg: message, ...fields })
    stream.write(`${redact(line)}\n`)
  }
  return {
    error: write('error'),
    warn: write('warn'),
    info: write('info'),
    debug: write('debug'),
    enabled,
    get level() {
      return current
    },
    set level(value) {
      current = value
    },
  }
}

/** SECURITY: the last line of defence; nothing should get here, and if it does it stays here. */
function redact(line: string): string {
  return line.replace(SECRETS, '[redacted]')
}

function logfmt(line: LogFields): string {
  return Object.entries(line)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${/^[\w./:@+-]+$/.test(String(value)) ? String(value) : JSON.stringify(value)}`)
    .join(' ')
}
