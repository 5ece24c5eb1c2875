import { LOG_LEVELS, oneOf } from './contract.ts'
import type { Doctor } from './doctor/doctor.ts'
import type { AdminReply, AdminRoutes, Logger } from './runtime/index.ts'
import { readText } from './runtime/index.ts'

const logLevel = oneOf(...LOG_LEVELS)
/** Longer than any level. */
const LARGEST_BODY_BYTES = 64

/** What is served on the control port: the log level, changed without a restart, and doctor's report. */
export function controlRoutes(log: Logger, doctor: Doctor): AdminRoutes {
  const current = (): AdminReply => ({ status: 200, body: `${log.level}\n` })
  return {
    'GET /doctor': async () => ({
      status: 200,
      contentType: 'application/json',
      body: `${JSON.stringify(await doctor.examine())}\n`,
    }),
    'GET /log-level': current,
    'PUT /log-level': async (request) => {
      const level = logLevel((await readText(request, LARGEST_BODY_BYTES))?.trim() ?? '')
      if (!level.ok) return { status: 400, body: `expected ${level.allowed}\n` }
      log.level = level.value
      return current()
    },
  }
}
