import { mkdtempSync, rmSync } from 'node:fs'
import { Agent } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createTestAuthority } from '../../support/certificates.ts'
import type { Operation } from '../../support/json-patch.ts'
import { applyPatch } from '../../support/json-patch.ts'
import type { AdmissionResponse } from '../../support/webhook.ts'
import { recordedReview, startWebhook } from '../../support/webhook.ts'
import type { FuzzKind, FuzzTarget } from '../kind.ts'
import type { ReviewCase } from './cases.ts'
import { createReviewCase } from './cases.ts'
import { expectationOf, isOfWarnings } from './oracle.ts'
import type { Expectation } from './oracle.ts'
import { CANARY } from './pods.ts'
import { post } from './post.ts'
import type { Post } from './post.ts'
import { say } from './wire.ts'

/** About what Node takes inside the memory limit of the chart: without one, garbage looks like a leak. */
const NODE_OPTIONS = '--max-old-space-size=128'
/** Rooms are given back within the deadline of the impatient. */
const ROOM_MS = 100
const MOST_WARNINGS = 16
const LONGEST_WARNING = 256
const LONGEST_REFUSAL = 4_096
/** Reading all of the log costs. */
const BATCHES_PER_LOOK = 20

/** Annotated on itself instead of its pods. */
const MISPLACED = reviewOf({
  kind: 'Deployment',
  metadata: { annotations: { 'outbound-jwt.io/inject': 'true' } },
  spec: { template: {} },
})

export const REVIEWS: FuzzKind<ReviewCase> = {
  name: 'reviews',
  subject:
    'AdmissionReviews with golden, generated and garbled pods, workloads of them, broken JSON and broken HTTP, over TLS at the shipped webhook.',
  invariants: [
    'every request ends, as a whole HTTP answer or an end of the connection',
    'a review is answered with its own uid; what is no review with 400, what is too large with 413; nothing with 500',
    'a patch comes for a pod that asked, or whose namespace did, and applies; the patched pod gets none (P2, P5)',
    'a pod without any key of ours is never refused; a refusal and a warning are lines of ASCII, warnings at most 16, of at most 256 characters (P7)',
    'a workload is never refused or patched, and one without any key of ours is not warned of',
    'no value or argument of a pod is in the log, a refusal or a warning; the process lives, answers a good review, and its memory stays flat',
  ],
  batch: 128,
  atOnce: 16,
  quick: 128,
  generate: createReviewCase,
  open: openWebhook,
}

async function openWebhook(): Promise<FuzzTarget<ReviewCase>> {
  const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-fuzz-'))
  const authority = await createTestAuthority()
  const { address, process } = await startWebhook(directory, authority, {
    NODE_OPTIONS,
    DEFAULT_ANNOTATIONS: JSON.stringify({ hosts: 'default.partner.example' }),
  })
  const [host = '', port] = address.split(':')
  const endpoint = { host, port: Number(port), ca: authority.ca }
  const agent = new Agent({ keepAlive: true, ca: authority.ca, maxSockets: 32 })
  /** Bodies of unknown length count as the largest, and cases beside this one have some: then there is no room for a moment. */
  const send: Post = async (path, body) => {
    const answer = await post(`https://${address}${path}`, body, agent)
    if (answer.status !== 429) return answer
    await delay(ROOM_MS)
    return send(path, body)
  }
  const good = JSON.stringify(recordedReview())
  let batches = 0
  const checkLog = (): void => {
    if (process.output().includes(CANARY)) throw new Error('the log shows a value of a pod')
  }
  return {
    pid: process.pid,
    attempt: async (input) => ('bytes' in input ? say(endpoint, input) : review(send, input.path, input.body)),
    afterBatch: async () => {
      if (!(await review(send, '/mutate', good)).startsWith('patch')) throw new Error('a good review gets no patch')
      if ((await review(send, '/warn', MISPLACED)) !== 'warned')
        throw new Error('a misplaced annotation goes unnoticed')
      batches += 1
      if (batches % BATCHES_PER_LOOK === 0) checkLog()
    },
    close: async () => {
      agent.destroy()
      process.signal('SIGKILL')
      await process.exited
      rmSync(directory, { recursive: true })
      checkLog()
    },
  }
}

async function review(send: Post, path: string, body: string): Promise<string> {
  const expected = expectationOf(path, body)
  const { status, text } = await send(path, Buffer.from(body, 'latin1'))
  if (status !== expected.status)
    throw new Error(`answered ${status} instead of ${expected.status}: ${text.slice(0, 500)}`)
  if (status !== 200) return String(status)
  const { response } = JSON.parse(text) as { response: AdmissionResponse }
  return checkResponse(send, path, { response, expected })
}

interface Answered {
  readonly response: AdmissionResponse
  readonly expected: Expectation
}

async function checkResponse(send: Post, path: string, { response, expected }: Answered): Promise<string> {
  const { uid, allowed, patch } = response
  if (uid !== expected.uid) throw new Error(`answered ${uid} instead of ${String(expected.uid)}`)
  checkLines(response, expected)
  if (isOfWarnings(path)) return checkWarning(response)
  if (!allowed) return checkRefusal(response, expected)
  if (patch === undefined) return 'allowed as it is'
  if (!expected.mayPatch) throw new Error('a patch for a pod that did not ask')
  const operations = JSON.parse(Buffer.from(patch, 'base64').toString()) as readonly Operation[]
  const patched = applyPatch(expected.pod, operations)
  const { status, text } = await send(path, Buffer.from(reviewOf(patched)))
  const second = status === 200 ? (JSON.parse(text) as { response: AdmissionResponse }).response : undefined
  if (second?.allowed !== true || second.patch !== undefined)
    throw new Error(`the patched pod is answered ${status} ${text.slice(0, 1_000)}`)
  return 'patched'
}

function reviewOf(object: unknown): string {
  const request = { uid: 'one of ours', operation: 'CREATE', object }
  return JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request })
}

/**
 * The API server passes on 4,096 characters of warnings; when there are more, 256 of each. A refusal that is told beforehand is told in full.
 * Source: apiserver/pkg/endpoints/filters/warning.go.
 */
function checkLines({ status, warnings = [] }: AdmissionResponse, { mayWarn }: Expectation): void {
  if (warnings.length > (mayWarn ? MOST_WARNINGS : 0))
    throw new Error(`${warnings.length} warnings: ${warnings.join()}`)
  for (const warning of warnings) {
    const longest = warning.startsWith('its pods will be refused: ') ? LONGEST_REFUSAL : LONGEST_WARNING
    if (!/^[\x20-\x7e]+$/.test(warning)) throw new Error(`not a line of ASCII: ${JSON.stringify(warning)}`)
    if (warning.length > longest) throw new Error(`a warning of ${warning.length} characters: ${warning.slice(0, 500)}`)
  }
  for (const line of [...warnings, status?.message ?? ''])
    if (line.includes(CANARY)) throw new Error(`shows a value of a pod: ${line}`)
}

function checkWarning({ allowed, patch, patchType, warnings = [] }: AdmissionResponse): string {
  if (!allowed) throw new Error('a workload is refused')
  if (patch !== undefined || patchType !== undefined) throw new Error('a workload is patched')
  return warnings.length > 0 ? 'warned' : 'not warned'
}

function checkRefusal({ patch, status }: AdmissionResponse, { mayRefuse }: Expectation): string {
  if (patch !== undefined) throw new Error('refused with a patch')
  if (!mayRefuse) throw new Error(`refused a pod that did not ask: ${String(status?.message)}`)
  const isReadable =
    /^aws-outbound-jwt-injector refused the pod(?: \([a-z-]+\)|: \d+ problems: \(1\)):? [\x20-\x7e]+: (?:is missing|got "[\x20-\x7e]*"), expected [\x20-\x7e]+$/.test(
      status?.message ?? '',
    )
  if (status?.code !== 422 || !isReadable) throw new Error(`a refusal that helps nobody: ${JSON.stringify(status)}`)
  return 'refused'
}
