import type { CallLog } from './calls.ts'
import type { FaultPlan } from './faults/plan.ts'
import type { Incoming } from './http/incoming.ts'
import type { Reply } from './http/reply.ts'
import { json } from './http/reply.ts'

export interface AdminDeps {
  readonly calls: CallLog
  readonly faults: FaultPlan
}

type Handler = (body: unknown) => unknown

/** The paths under `/_admin`, for tests that run in another process. @returns `METHOD path` → handler. */
export function adminRoutes({ calls, faults }: AdminDeps): Readonly<Record<string, Handler>> {
  return {
    'GET /_admin/ready': () => ({ ready: true }),
    'GET /_admin/calls': () => calls.list(),
    'DELETE /_admin/calls': () => {
      calls.clear()
      return calls.list()
    },
    'GET /_admin/faults': () => faults.list(),
    'PUT /_admin/faults': (body) => {
      faults.set(body)
      return faults.list()
    },
    'DELETE /_admin/faults': () => {
      faults.set([])
      return faults.list()
    },
  }
}

/** Answers a request to the admin API; what is wrong with it is said in the answer. */
export async function answerAdmin(
  { method, path, body }: Incoming,
  routes: ReturnType<typeof adminRoutes>,
): Promise<Reply> {
  const route = `${method} ${path}`
  const handler = Object.hasOwn(routes, route) ? routes[route] : undefined
  if (!handler) return json(404, { error: `no ${route}`, routes: Object.keys(routes) })
  try {
    return json(200, await handler(body === '' ? undefined : JSON.parse(body)))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return json(400, { error: error.message })
    throw error
  }
}
