import type { Account } from './account/account.ts'
import type { CallLog } from './admin/calls.ts'
import { answerInstead, rewrite } from './faults/answer.ts'
import type { Fault, FaultKind } from './faults/fault.ts'
import type { FaultPlan } from './faults/plan.ts'
import type { Incoming } from './http/incoming.ts'
import type { Reply } from './http/reply.ts'
import { json } from './http/reply.ts'
import type { PodIdentityAssociations } from './pod-identity/associations.ts'
import { podIdentityCredentials } from './pod-identity/credentials.ts'
import type { Answer } from './query/answer.ts'
import { answerQuery } from './query/answer.ts'
import type { QueryCall } from './query/call.ts'
import { describeCall } from './query/call.ts'

/** A public document with the name of the operation that reads it. */
export interface PublicDocument {
  readonly operation: string
  readonly read: () => unknown
}

export interface ServiceDeps {
  readonly account: Account
  readonly associations: PodIdentityAssociations
  readonly documents: Readonly<Record<string, PublicDocument>>
  readonly faults: FaultPlan
  readonly calls: CallLog
}

/** An answer, and what still has to happen to it on its way. */
export interface Served {
  readonly reply: Reply
  readonly fault?: Fault
}

export const POD_IDENTITY_PATH = '/podidentity/v1/credentials'

/** Answers a request to the emulated services, under the fault that hits it. */
export async function serve(request: Incoming, deps: ServiceDeps): Promise<Served> {
  const resource = resourceOf(request, deps)
  if (!resource) return { reply: notFound(request, deps) }
  const { call } = resource
  const fault = deps.faults.take(call)
  const { reply, outcome } = await answer(resource, fault)
  const { operation: action, ...facts } = call
  const sent =
    fault && SILENT.includes(fault.kind) ? { status: 0, outcome: fault.kind } : { status: reply.status, outcome }
  deps.calls.record({ action, ...sent, fault: fault?.kind ?? null, ...facts })
  return { reply, ...(fault && { fault }) }
}

/** Faults without any answer. */
const SILENT: readonly FaultKind[] = ['hang', 'reset', 'half-close']

async function answer({ call, run }: Resource, fault: Fault | undefined): Promise<Answer> {
  const instead = fault && answerInstead(fault, call.operation)
  if (instead) return { reply: instead, outcome: fault.kind === 'error' ? fault.code : fault.kind }
  const { reply, outcome } = await run(fault)
  return { reply: fault ? rewrite(reply, fault.kind) : reply, outcome }
}

/** What a request is for. */
interface Resource {
  readonly call: QueryCall
  readonly run: (fault: Fault | undefined) => Answer | Promise<Answer>
}

function resourceOf(request: Incoming, { account, associations, documents }: ServiceDeps): Resource | undefined {
  const { method, path, headers } = request
  if (path === '/')
    return method === 'POST'
      ? { call: describeCall(request, account.sessions), run: (fault) => answerQuery(request, account, fault) }
      : undefined
  if (method !== 'GET' && method !== 'HEAD') return undefined
  if (path === POD_IDENTITY_PATH)
    return {
      call: callOf('PodIdentity'),
      run: (fault) => podIdentityCredentials(headers.authorization ?? '', account, associations, fault),
    }
  const document = Object.hasOwn(documents, path) ? documents[path] : undefined
  return (
    document && {
      call: callOf(document.operation),
      run: () => ({ reply: { ...json(200, document.read()), headers: CACHEABLE }, outcome: 'ok' }),
    }
  )
}

const CACHEABLE = { 'cache-control': 'max-age=86400, public' }

const callOf = (operation: string): QueryCall => ({
  operation,
  audiences: [],
  durationSeconds: null,
  roleArn: null,
  sessionName: null,
})

const notFound = ({ method, path }: Incoming, { documents }: ServiceDeps): Reply =>
  json(404, {
    error: `no ${method} ${path}`,
    paths: ['POST /', POD_IDENTITY_PATH, ...Object.keys(documents), 'POST /_cluster/token', '/_admin/calls'],
  })
