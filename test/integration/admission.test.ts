import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { createTestAuthority } from '../support/certificates.ts'
import { until } from '../support/until.ts'
import type { RunningWebhook } from '../support/webhook.ts'
import { recordedReview, startWebhook, withAnnotation } from '../support/webhook.ts'

describe('webhook process', () => {
  let directory: string
  let webhook: RunningWebhook
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-webhook-'))
    webhook = await startWebhook(directory, await createTestAuthority(), { SHUTDOWN_DELAY: '1s' })
  })
  after(async () => {
    webhook.process.signal('SIGKILL')
    await webhook.process.exited
    rmSync(directory, { recursive: true })
  })
  const admin = async (path: string): Promise<{ status: number; body: string }> => {
    const response = await fetch(`http://${webhook.adminAddress}${path}`)
    return { status: response.status, body: await response.text() }
  }

  it('patches a pod as an API server sent it', async () => {
    const review = recordedReview()
    const answer = await webhook.review(review)
    expect(answer).to.include({ uid: review.request.uid, allowed: true, patchType: 'JSONPatch' })
  })

  it('answers a malformed review with 400 and goes on', async () => {
    expect((await webhook.post('/mutate', '{"kind":')).status).to.equal(400)
    expect((await webhook.post('/mutate', '{}')).status).to.equal(400)
    expect((await webhook.review(recordedReview())).allowed).to.equal(true)
  })

  it('refuses a malformed annotation with 422 and its name, value and allowed form', async () => {
    const { allowed, status } = await webhook.review(
      withAnnotation(recordedReview(), 'outbound-jwt.io/hosts', '169.254.169.254'),
    )
    expect(allowed).to.equal(false)
    expect(status?.code).to.equal(422)
    expect(status?.message).to.match(/outbound-jwt\.io\/hosts\S*: got "169\.254\.169\.254", expected/)
  })

  it('is alive, ready and measured', async () => {
    expect(await admin('/livez')).to.include({ status: 200 })
    expect(await admin('/readyz')).to.include({ status: 200 })
    expect((await admin('/metrics')).body).to.include(
      'outbound_jwt_admission_decisions_total{decision="deny",reason="invalid-annotation"} 1',
    )
  })

  it('drains on SIGTERM: not ready, still answering, then ends with 0', async () => {
    webhook.process.signal('SIGTERM')
    await until('not ready', async () => (await admin('/readyz')).status === 503)
    const late = await webhook.post('/mutate', JSON.stringify(recordedReview()))
    expect(late.status).to.equal(200)
    expect(late.headers.connection).to.equal('close')
    expect(await webhook.process.exited).to.deep.equal({ status: 0, signal: null })
  })
})
