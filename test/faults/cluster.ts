// The cluster around the webhook breaks. The shipped webhook runs here, as processes with exactly their rights; the API server is the cluster's.
import { once } from 'node:events'
import { connect } from 'node:tls'
import { expect } from 'chai'
import type { StreamResult } from '../e2e/support/admissions.ts'
import { admitted, createAdmissions, streamAdmissions } from '../e2e/support/admissions.ts'
import { RESTART_API_SERVER, restartApiServer } from '../e2e/support/api-server.ts'
import { startBalancer } from '../e2e/support/balancer.ts'
import { eventually } from '../e2e/support/eventually.ts'
import { kubectl } from '../e2e/support/kubectl.ts'
import type { WebhookReplica, WebhookSite } from '../e2e/support/webhook.ts'
import { SECRET, createWebhookSite } from '../e2e/support/webhook.ts'
import type { FaultRow } from './row.ts'

const KUBECONFIG = 'KUBECONFIG'
const RACING = 5
/** Of pods under way when nothing else says how long to go on. */
const ENOUGH = 50
/** A new certificate is served this long after it was published. */
const PUBLICATION_DELAY = { CERTIFICATE_PUBLICATION_DELAY: '3s' }
const SERVED = 'outbound_jwt_certificate_changes_total{change="served"}'

const restarts: readonly FaultRow[] = (['SIGTERM', 'SIGKILL'] as const).map((signal) => ({
  id: `api-server-${signal.toLowerCase()}`,
  needs: [KUBECONFIG, RESTART_API_SERVER],
  fault: `The cluster's only API server gets ${signal} and is started again while pods are created; then the Secret with the webhook's key is deleted.`,
  invariant:
    'Every create that is answered is answered with a sidecar; the watches come back, and a new key is published and served.',
  run: () =>
    withReplicas(signal.toLowerCase(), 2, async ({ site, replicas, pods }) => {
      const result = await pods(async () => {
        await restartApiServer(signal)
        await newKey(site, replicas)
      })
      for (const replica of replicas)
        await eventually('the watch is there', async () => (await replica.metric('outbound_jwt_watch_connected')) === 1)
      expect(result.unanswered, 'creates while the API server was away').not.to.deep.equal([])
      return `${inWords(result)}, ${result.unanswered.length} tries without an API server`
    }),
}))

export const ROWS: readonly FaultRow[] = [
  ...restarts,
  {
    id: 'secret-deleted',
    needs: [KUBECONFIG],
    fault: "The Secret with the webhook's key is deleted while pods are created.",
    invariant: 'No create fails; a new key is published, then served by both replicas.',
    run: () =>
      withReplicas('secret', 2, async ({ site, replicas, pods }) => {
        const result = await pods(() => newKey(site, replicas))
        expect(result.unanswered).to.deep.equal([])
        return inWords(result)
      }),
  },
  {
    id: 'replicas-racing',
    needs: [KUBECONFIG],
    fault: `${RACING} replicas of the webhook start at once where there is no certificate yet.`,
    invariant: 'They agree on one certificate, all of them serve it, and no create fails.',
    run: () =>
      withReplicas('racing', RACING, async ({ site, replicas, pods }) => {
        const entries = await kubectl('get', 'secret', SECRET, '-n', site.system, '-o', 'jsonpath={.data}')
        expect(Object.keys(JSON.parse(entries) as object), 'a certificate and its key').to.have.lengthOf(2)
        const prints = new Set(await Promise.all(replicas.map(fingerprint)))
        expect(prints.size).to.equal(1)
        const result = await pods((count) => eventually('pods are created', () => count() >= ENOUGH))
        expect(result.unanswered).to.deep.equal([])
        return `${RACING} replicas, ${prints.size} certificate; ${inWords(result)}`
      }),
  },
]

interface Scene {
  readonly site: WebhookSite
  readonly replicas: readonly WebhookReplica[]
  /** Creates pods until something else is done, which is told how many there are; every answer must be right. */
  pods(during: (count: () => number) => Promise<void>): Promise<StreamResult>
}

/** Runs one scenario, in namespaces of its own, with replicas that start together behind a balancer. */
async function withReplicas(name: string, count: number, run: (scene: Scene) => Promise<string>): Promise<string> {
  const site = await createWebhookSite(`faults-${name}`)
  const balancer = await startBalancer()
  const admissions = createAdmissions(site.shop)
  try {
    await site.register(balancer.port)
    const replicas = await Promise.all(Array.from({ length: count }, () => site.replica(PUBLICATION_DELAY)))
    for (const replica of replicas) {
      await eventually('the replica is ready', async () => (await replica.admin('/readyz')).status === 200)
      balancer.add(replica)
    }
    await eventually('a pod is admitted', () => admitted(admissions))
    const pods: Scene['pods'] = async (during) => {
      const stream = streamAdmissions(admissions)
      await during(stream.admitted).catch(async (error: unknown) => {
        await stream.stop()
        throw error
      })
      const result = await stream.stop()
      expect(result.failures).to.deep.equal([])
      return result
    }
    const counted = await run({ site, replicas, pods })
    for (const { process } of replicas) expect(process.output()).not.to.include('PRIVATE KEY')
    return counted
  } finally {
    admissions.close()
    balancer.close()
    await site.remove()
  }
}

/** Deletes the Secret, and returns when every replica serves another certificate. */
async function newKey({ system }: WebhookSite, replicas: readonly WebhookReplica[]): Promise<void> {
  const served = (): Promise<readonly number[]> => Promise.all(replicas.map((replica) => replica.metric(SERVED)))
  const before = await served()
  await kubectl('delete', 'secret', SECRET, '-n', system)
  const everyReplica = async (): Promise<boolean> => (await served()).every((count, index) => count > before[index]!)
  await eventually('every replica serves another certificate', everyReplica, 90_000)
}

/** @returns that of the certificate a replica serves. */
async function fingerprint({ port }: WebhookReplica): Promise<string> {
  // Which certificate it is, is the question; the API server asks whether it is trusted.
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

const inWords = ({ admitted }: StreamResult): string => `${admitted} pods with a sidecar, 0 wrong answers`
