import { randomUUID } from 'node:crypto'
import type { Account } from '../account/account.ts'
import type { Fault } from '../faults/fault.ts'
import type { Incoming } from '../http/incoming.ts'
import type { Reply } from '../http/reply.ts'
import { ServiceError } from './errors.ts'
import { serviceOf } from './operations.ts'
import { errorXml, successXml } from './xml.ts'

export interface Answer {
  readonly reply: Reply
  /** Wire code of the error, or `ok`. */
  readonly outcome: string
}

/** Answers one Query API request. */
export async function answerQuery(request: Incoming, account: Account, fault?: Fault): Promise<Answer> {
  const parameters = new URLSearchParams(request.body)
  const action = parameters.get('Action') ?? ''
  const version = parameters.get('Version') ?? ''
  const { xmlns, operations } = serviceOf(version)
  const requestId = randomUUID()
  const headers = { 'x-amzn-requestid': requestId }
  const xml = (status: number, body: string): Reply => ({ status, contentType: 'text/xml', body, headers })
  try {
    const run = Object.hasOwn(operations, action) ? operations[action] : undefined
    if (!run) throw new ServiceError('InvalidAction', `Could not find operation ${action} for version ${version}`)
    const result = await run({ action, parameters, request, account, fault })
    return { reply: xml(200, successXml({ action, result, requestId, xmlns })), outcome: 'ok' }
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    return { reply: xml(error.status, errorXml(error, requestId, xmlns)), outcome: error.code }
  }
}
