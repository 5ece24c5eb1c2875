import winston from 'winston'
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

const LEVELS: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 }

/** Where winston's formats leave the finished line. https://github.com/winstonjs/triple-beam */
const MESSAGE = Symbol.for('message')

/** Anything that looks like a compact JWS or a credential header value. No part can give back what it took: linear in the line's length. */
const SECRETS = /eyJ[\w-]{5,}(?:\.[\w-]*){0,2}|\b(Bearer|Basic)\s+[\w.~+/=-]+/g

const FORMATS: Readonly<Record<LogFormat, winston.Logform.Format>> = {
  json: winston.format.printf((info) => JSON.stringify(fieldsOf(info))),
  text: winston.format.printf((info) => logfmt(fieldsOf(info))),
}

/** SECURITY: the last line of defence; nothing should get here, and if it does it stays here. */
const redacted = winston.format((info) => {
  info[MESSAGE] = String(info[MESSAGE]).replace(SECRETS, '[redacted]')
  return info
})

/**
 * Creates a logger that writes one line per event: `time`, `level`, `msg`, then the fields. The stream has the line when the call
 * returns, so that the last one before `process.exit` is not lost. What winston can do with uncaught errors stays off: lifecycle.ts does it.
 */
export function createLogger({ level, format, stream }: LoggerOptions): Logger {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston declares its transports as interfaces
  const transport: winston.transport = new winston.transports.Stream({ stream, eol: '\n' })
  const backend = winston.createLogger({
    levels: LEVELS,
    level,
    format: winston.format.combine(FORMATS[format], redacted()),
    transports: [transport],
  })
  const enabled = (wanted: LogLevel): boolean => LEVELS[wanted] <= LEVELS[backend.level as LogLevel]
  const write = (wanted: LogLevel) => (message: string, fields?: LogFields) => {
    // A call below the level takes winston 2 µs.
    if (enabled(wanted)) backend.log({ level: wanted, message, fields })
  }
  return {
    error: write('error'),
    warn: write('warn'),
    info: write('info'),
    debug: write('debug'),
    enabled,
    get level() {
      return backend.level as LogLevel
    },
    set level(value) {
      backend.level = value
    },
  }
}

function fieldsOf({ level, message, fields }: winston.Logform.TransformableInfo): LogFields {
  return { time: new Date().toISOString(), level, msg: String(message), ...(fields as LogFields | undefined) }
}

function logfmt(line: LogFields): string {
  return Object.entries(line)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${/^[\w./:@+-]+$/.test(String(value)) ? String(value) : JSON.stringify(value)}`)
    .join(' ')
}
