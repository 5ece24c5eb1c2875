import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { parseBundle } from '../../../webhook/src/certificates/anchors.ts'
import { mintCertificate } from '../../../webhook/src/certificates/certificate.ts'
import { OWNER_LABEL } from '../../../webhook/src/certificates/reconciler.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import type { FakeApi, Transport } from '../../support/rotation/api.ts'
import { createFakeApi } from '../../support/rotation/api.ts'
import type { FakeClock } from '../../support/rotation/reconcilers.ts'
import { createTestReconciler } from '../../support/rotation/reconcilers.ts'

const DAY = 24 * 60 * 60 * 1000
const DELAY = 300_000

describe('reconciler', () => {
  let api: FakeApi
  let clock: FakeClock
  beforeEach(() => {
    api = createFakeApi(['pods.outbound-jwt.io', 'namespaces.outbound-jwt.io'])
    clock = { ms: Date.UTC(2030, 0, 1) }
  })
  const bundles = (): readonly (readonly string[])[] =>
    (api.configuration?.entries ?? []).map(({ caBundle }) => parseBundle(caBundle).map(({ id }) => id))
  const entries = (): readonly string[] => Object.keys(api.secret?.data ?? {})

  it('makes the Secret with its label, publishes in every entry, and serves what it published', async () => {
    const reconciler = createTestReconciler(api, clock)
    const { served, trusted } = await reconciler.reconcile()
    expect(trusted).to.equal(true)
    expect(api.secret?.labels).to.deep.equal(OWNER_LABEL)
    expect(bundles()).to.deep.equal([[served?.id], [served?.id]])
    expect(reconciler.events).to.deep.equal(['minted', 'published 1'])
  })

  it('says that nobody trusts what it serves when caBundle was wiped, before it is written again', async () => {
    const reconciler = createTestReconciler(api, clock)
    await reconciler.reconcile()
    api.editBundle('')
    await reconciler.reconcile()
    expect(reconciler.events).to.deep.equal(['minted', 'published 1', 'untrusted', 'published 1'])
  })

  it('writes nothing when everything is as it should be', async () => {
    const reconciler = createTestReconciler(api, clock)
    await reconciler.reconcile()
    const writes = { ...api.writes }
    await reconciler.reconcile()
    expect(api.writes).to.deep.equal(writes)
  })

  it('lets the loser of a race adopt the winner’s certificate', async () => {
    const reconcilers = [1, 2, 3].map(() => createTestReconciler(api, clock))
    const outcomes = await Promise.allSettled(reconcilers.map((reconciler) => reconciler.reconcile()))
    expect(outcomes.filter(({ status }) => status === 'rejected')).not.to.be.empty
    const ids = []
    for (const reconciler of reconcilers) ids.push((await reconciler.reconcile()).served?.id)
    expect(new Set(ids)).to.have.property('size', 1)
    expect(entries()).to.have.lengthOf(2)
  })

  for (const years of [-10, 2])
    it(`goes by the clock of the API server when that of its node is ${years} years off`, async () => {
      const now = (): number => clock.ms
      const { served } = await createTestReconciler(api, clock, { now }).reconcile()
      const wrong = { now: () => clock.ms + years * 365 * DAY, elapsed: () => clock.ms }
      const reconciler = createTestReconciler(api, clock, { now, clock: wrong })
      expect((await reconciler.reconcile()).served?.id).to.equal(served?.id)
      expect(reconciler.events).to.deep.equal([])
      clock.ms += 60 * DAY
      await reconciler.reconcile()
      expect(reconciler.events).to.deep.equal(['minted', 'published 2'])
      clock.ms += DELAY
      const renewed = (await reconciler.reconcile()).served
      expect(renewed?.notBefore).to.be.at.most(clock.ms)
      expect(renewed?.notAfter).to.be.within(clock.ms + 89 * DAY, clock.ms + 91 * DAY)
    })

  it('publishes a renewed certificate first and serves it five minutes later', async () => {
    const reconciler = createTestReconciler(api, clock)
    const first = (await reconciler.reconcile()).served?.id
    clock.ms += 60 * DAY
    expect((await reconciler.reconcile()).served?.id).to.equal(first)
    expect(bundles()[0]).to.have.lengthOf(2)
    clock.ms += DELAY - 1
    expect((await reconciler.reconcile()).served?.id).to.equal(first)
    clock.ms += 1
    const second = (await reconciler.reconcile()).served?.id
    expect(second).not.to.equal(first)
    expect(bundles()[0]).to.deep.equal([first, second])
    clock.ms += 30 * DAY
    await reconciler.reconcile()
    expect(bundles()).to.deep.equal([[second], [second]])
    expect(entries()).to.have.lengthOf(2)
  })

  it('repairs a caBundle that was wiped, and one that got another anchor', async () => {
    // An authority made today has to be valid, or it would go for that.
    clock.ms = Date.now()
    const reconciler = createTestReconciler(api, clock)
    const { served } = await reconciler.reconcile()
    api.editBundle('')
    expect(await reconciler.reconcile()).to.deep.include({ trusted: true })
    const { ca } = await createTestAuthority()
    api.editBundle(`${served?.cert ?? ''}${ca}`)
    await reconciler.reconcile()
    expect(bundles()).to.deep.equal([[served?.id], [served?.id]])
  })

  it('puts back what it serves when the Secret is deleted, and makes a new key beside it', async () => {
    const reconciler = createTestReconciler(api, clock)
    const { served } = await reconciler.reconcile()
    api.secret = undefined
    const after = await reconciler.reconcile()
    expect(after.served?.id).to.equal(served?.id)
    expect(entries()).to.have.lengthOf(4)
    expect(bundles()[0]).to.have.lengthOf(2).and.to.include(served?.id)
  })

  it('replaces broken entries, whatever is wrong with them', async () => {
    await createTestReconciler(api, clock).reconcile()
    const [certName = '', keyName = ''] = entries()
    const other = await mintCertificate({ hosts: ['127.0.0.1'], lifetimeMs: DAY, now: clock.ms })
    for (const broken of [
      { [certName]: 'no PEM' },
      { [keyName]: 'no PEM' },
      { [keyName]: other.key },
      { stray: 'text' },
      { 'other.crt': other.cert, 'other.key': other.key },
      { 'lonely.crt': other.cert },
    ]) {
      api.secret = { ...api.secret!, data: { ...api.secret?.data, ...broken }, resourceVersion: api.nextVersion() }
      const reconciler = createTestReconciler(api, clock)
      await reconciler.reconcile()
      expect(reconciler.events.join()).to.include('broken')
      expect(entries().filter((name) => !/^[0-9a-f]{32}\.(crt|key)$/.test(name))).to.deep.equal([])
    }
  })

  it('leaves somebody else’s Secret alone', async () => {
    api.secret = { resourceVersion: '7', labels: {}, data: { 'tls.crt': 'theirs' } }
    const failure = await createTestReconciler(api, clock)
      .reconcile()
      .then(
        () => undefined,
        (error: unknown) => error,
      )
    expect(failure).to.include({ code: 'secret-foreign' })
    expect(api.secret.data).to.deep.equal({ 'tls.crt': 'theirs' })
    expect(bundles()).to.deep.equal([[], []])
  })

  it('takes over an empty Secret that somebody made for it', async () => {
    api.secret = { resourceVersion: '7', labels: { 'app.kubernetes.io/name': 'chart' }, data: {} }
    await createTestReconciler(api, clock).reconcile()
    expect(api.secret.labels).to.deep.equal({ 'app.kubernetes.io/name': 'chart', ...OWNER_LABEL })
    expect(entries()).to.have.lengthOf(2)
  })

  it('needs a configuration with entries', async () => {
    api.configuration = { resourceVersion: '2', entries: [] }
    const failure = await createTestReconciler(api, clock)
      .reconcile()
      .then(
        () => undefined,
        (error: unknown) => error,
      )
    expect(failure).to.include({ code: 'configuration-missing' })
  })

  it('cannot unpublish what was published while it slept between two calls', async () => {
    const gate = Promise.withResolvers<undefined>()
    let calls = 0
    // The sleeper has read the first of its two objects when it falls asleep.
    const sleepy: Transport = async (effect) => {
      const result = effect()
      calls += 1
      if (calls === 1) await gate.promise
      return result
    }
    const awake = createTestReconciler(api, clock)
    await awake.reconcile()
    const asleep = createTestReconciler(api, clock, { transport: sleepy }).reconcile()
    clock.ms += 60 * DAY
    await awake.reconcile()
    clock.ms += DELAY
    const { served } = await awake.reconcile()
    gate.resolve(undefined)
    await asleep.catch(() => undefined)
    expect(bundles()[0]).to.include(served?.id)
  })

  it('makes a certificate for new names and keeps trust in the old', async () => {
    const old = await createTestReconciler(api, clock).reconcile()
    const { served } = await createTestReconciler(api, clock, { hosts: ['webhook.system.svc'] }).reconcile()
    expect(served?.id).not.to.equal(old.served?.id)
    expect(bundles()[0]).to.have.members([old.served?.id, served?.id])
  })
})
