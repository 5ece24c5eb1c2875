import type { State } from '../account/state.ts'
import type { OutboundIssuer } from '../account/issuer.ts'
import type { KeyRotation } from '../account/keys.ts'
import type { FaultPlan } from '../faults/plan.ts'
import type { Incoming } from '../http/incoming.ts'
import type { Reply } from '../http/reply.ts'
import { json } from '../http/reply.ts'
import type { Roles } from '../iam/role.ts'
import type { PodIdentityAssociations } from '../pod-identity/associations.ts'
import type { CallLog } from './calls.ts'
import { boolean, checkObject, checked } from './fields.ts'

export interface AdminDeps {
  readonly calls: CallLog
  readonly faults: FaultPlan
  readonly state: State
  readonly roles: Roles
  readonly associations: PodIdentityAssociations
  readonly issuer: OutboundIssuer
  readonly reset: () => void
}

type Handler = (body: unknown) => unknown

export const PREFIX = '/_admin/'

/** What tests do to the emulator from another process. @returns `METHOD path` → handler. */
export function adminRoutes(deps: AdminDeps): Readonly<Record<string, Handler>> {
  const { calls, faults, state, roles, associations, issuer, reset } = deps
  return {
    'GET /_admin/ready': () => ({ ready: true }),
    'GET /_admin/calls': calls.list,
    'DELETE /_admin/calls': after(calls.clear, calls.list),
    'GET /_admin/faults': faults.list,
    'PUT /_admin/faults': after(faults.set, faults.list),
    'DELETE /_admin/faults': after(() => faults.set([]), faults.list),
    'GET /_admin/state': state.get,
    'PUT /_admin/state': after(state.set, state.get),
    'GET /_admin/roles': roles.list,
    'PUT /_admin/roles': after(roles.set, roles.list),
    'GET /_admin/pod-identity-associations': associations.list,
    'PUT /_admin/pod-identity-associations': after(associations.set, associations.list),
    'POST /_admin/rotate-keys': async (body) => {
      await issuer.rotate(parseRotation(body ?? {}))
      return issuer.jwks(state.get().discoveryProfile)
    },
    'POST /_admin/reset': after(reset, state.get),
  }
}

const after =
  (change: (body: unknown) => void, show: () => unknown): Handler =>
  (body) => {
    change(body)
    return show()
  }

const parseRotation = (body: unknown): KeyRotation =>
  checked(body, (value, report) =>
    checkObject(value, { optional: { keepOld: boolean, sameKid: boolean } }, 'rotation', report),
  ) as KeyRotation

/** Answers a request to the admin API; what is wrong with it is said in the answer. */
export async function answerAdmin(
  { method, path, body }: Incoming,
  routes: Readonly<Record<string, Handler>>,
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
