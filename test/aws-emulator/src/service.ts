import type { CallLog } from './calls.ts'
import { answerInstead, rewrite } from './faults/answer.ts'
import type { Fault, FaultKind } from './faults/fault.ts'
import type { FaultPlan } from './faults/plan.ts'
import type { Incoming } from './http/incoming.ts'
import type { Reply } from './http/reply.ts'
import { json } from './http/reply.ts'
import type { StsCall } from './sts/call.ts'
import { describeCall } from './sts/call.ts'
import type { StsDeps } from './sts/sts.ts'
import { answerSts } from './sts/sts.ts'

/** A public document with the name of the operation that reads it. */
export interface PublicDocument {
  readonly operation: string
  readonly read: () => Promise<unknown>
}

export interface ServiceDeps {
  readonly sts: StsDeps
  readonly documents: Readonly<Record<string, PublicDocument>>
  readonly faults: FaultPlan
  readonly calls: CallLog
}

export interface Service {
  readonly reply: Reply
  /** What still has to happen to the answer on its way. */
  readonly fault?: Fault
}

/** Answers a request to the emulated services, under the fault that hits it. */
export async function serve(request: Incoming, deps: ServiceDeps): Promise<Service> {
  const { sts, documents, faults, calls } = deps
  const document = Object.hasOwn(documents, request.path) ? documents[request.path] : undefined
  if (!document && !(request.method === 'POST' && request.path === '/')) return { reply: notFound(request, documents) }
  const call = document ? documentCall(document.operation) : describeCall(request, sts.sessions)
  const fault = faults.take(call)
  const { reply, outcome } = await answer(request, { document, call, fault, sts })
  const { operation: action, ...facts } = call
  const sent =
    fault && SILENT.includes(fault.kind) ? { status: 0, outcome: fault.kind } : { status: reply.status, outcome }
  calls.record({ action, ...sent, fault: fault?.kind ?? null, ...facts })
  return { reply, ...(fault && { fault }) }
}

/** Faults without any answer. */
const SILENT: readonly FaultKind[] = ['hang', 'reset', 'half-close']

const notFound = ({ path }: Incoming, documents: ServiceDeps['documents']): Reply =>
  json(404, { error: `no ${path}`, paths: ['POST /', '/_admin/calls', ...Object.keys(documents)] })

interface Question {
  readonly document: PublicDocument | undefined
  readonly call: StsCall
  readonly fault: Fault | undefined
  readonly sts: StsDeps
}

async function answer(
  request: Incoming,
  { document, call, fault, sts }: Question,
): Promise<{ readonly reply: Reply; readonly outcome: string }> {
  const instead = fault && answerInstead(fault, call.operation)
  if (instead) return { reply: instead, outcome: fault.kind === 'error' ? fault.code : fault.kind }
  if (document) return { reply: json(200, await document.read()), outcome: 'ok' }
  const { reply, outcome } = await answerSts(request, sts, fault)
  return { reply: fault ? rewrite(reply, fault.kind) : reply, outcome }
}

const documentCall = (operation: string): StsCall => ({
  operation,
  audiences: [],
  durationSeconds: null,
  roleArn: null,
  sessionName: null,
})
