import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { cli } from '../support/cli.ts'
import { apply, create, deleteNamespaces, kubectl, rolledOut } from '../support/kubectl.ts'
import { PRODUCT, SYSTEM } from '../support/names.ts'
import { openShop } from '../support/workload.ts'

const SHOP = 'outbound-jwt-e2e-check'
/** Sorts before the injector, and calls nobody. */
const EARLY_HOOK = 'a-pod-identity-webhook-of-e2e'
const REGISTRATION = ['mutatingwebhookconfiguration', PRODUCT] as const
const QUOTA = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none' }, spec: { hard: { pods: '0' } } }

interface Sabotage {
  readonly what: string
  /** Where a pod would ask; default: a namespace that is served. */
  readonly arguments?: readonly string[]
  /** Breaks it. @returns what mends it. */
  readonly break?: () => Promise<() => Promise<unknown>>
  /** The line that names it, and where it says what to do that, too. */
  readonly says: RegExp
}

const SABOTAGES: readonly Sabotage[] = [
  {
    what: "a service account without a role, by the guard's own words",
    arguments: ['-n', 'default', '--service-account', 'default'],
    says: /× default\/default: .*no AWS role for service account default\/default/,
  },
  {
    what: 'a namespace that is not served',
    arguments: ['-n', 'kube-system'],
    says: /× namespace kube-system refuses it: .*it was not injected/,
  },
  {
    what: 'a hook of EKS that runs too early',
    break: async () => {
      const hook = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration' }
      await apply('default', { ...hook, metadata: { name: EARLY_HOOK }, webhooks: [] })
      return () => kubectl('delete', 'mutatingwebhookconfiguration', EARLY_HOOK)
    },
    says: new RegExp(`× ${EARLY_HOOK} runs before ${PRODUCT}.*\\n +fix: Give it a name that sorts later`),
  },
  {
    what: 'a registration that somebody deleted',
    break: () => deleted(...REGISTRATION),
    says: new RegExp(`× MutatingWebhookConfiguration ${PRODUCT} does not exist.*\\n +fix: Run helm upgrade`),
  },
  {
    what: 'a registration without its entry for pods',
    break: () => patched(REGISTRATION, '/webhooks/0/name', 'other.outbound-jwt.io'),
    says: new RegExp(`× MutatingWebhookConfiguration ${PRODUCT} has no entry pods.outbound-jwt.io\\n +fix: Run helm`),
  },
  {
    what: 'pods that would start bare without the webhook',
    break: () => patched(REGISTRATION, '/webhooks/0/failurePolicy', 'Ignore'),
    says: /× failurePolicy of pods.outbound-jwt.io is not Fail.*\n +fix: Run helm upgrade/,
  },
  {
    what: 'a registration that calls a Service that is not there',
    break: () => patched(REGISTRATION, '/webhooks/0/clientConfig/service/name', 'nobody'),
    says: new RegExp(`× namespace ${SHOP} refuses it: .*failed calling webhook.*\\n +fix: .*its Service, its pods`),
  },
  {
    what: 'a webhook that was scaled to nothing',
    break: async () => {
      const scale = (replicas: number): Promise<string> =>
        kubectl('scale', '-n', SYSTEM, `deployment/${PRODUCT}`, `--replicas=${replicas}`)
      await scale(0)
      const replicas = ['pods', '-l', `app.kubernetes.io/name=${PRODUCT}`]
      await kubectl('wait', '-n', SYSTEM, ...replicas, '--for=delete', '--timeout=60s')
      return async () => {
        await scale(2)
        await rolledOut(SYSTEM, PRODUCT)
      }
    },
    says: /× 0 of 0 replicas are ready\n +fix: kubectl -n \S+ scale deployment/,
  },
  {
    what: 'a webhook of another version',
    break: () => patched(['deployment', PRODUCT, '-n', SYSTEM], '/metadata/labels/app.kubernetes.io~1version', '0.0.1'),
    says: /‼ the webhook is of version 0\.0\.1, this program of \S+\n +fix: Upgrade the older one/,
  },
  {
    what: 'a policy of the guard that somebody deleted',
    break: () => deleted('validatingadmissionpolicy', `${PRODUCT}-pods`),
    says: new RegExp(`‼ policy ${PRODUCT}-pods does not exist: .*\\n +fix: Run helm upgrade`),
  },
  {
    what: 'a policy of the guard whose binding somebody deleted',
    break: () => deleted('validatingadmissionpolicybinding', `${PRODUCT}-running-pods`),
    says: new RegExp(`‼ policy ${PRODUCT}-running-pods has no binding: .*\\n +fix: Run helm upgrade`),
  },
  {
    what: 'a quota that refuses every pod',
    break: async () => {
      await apply(SHOP, QUOTA)
      return () => kubectl('delete', 'resourcequota', QUOTA.metadata.name, '-n', SHOP)
    },
    says: new RegExp(`× namespace ${SHOP} refuses it: .*quota.*\\n +fix: .*a quota may be the one that refuses`),
  },
]

describe('outbound-jwt check', function () {
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    await openShop(SHOP)
  })
  after(async () => {
    if (process.env['KUBECONFIG'] !== undefined) await deleteNamespaces(SHOP)
  })

  it('finds nothing that does not work in an installation that does', async () => {
    const { status, stdout, stderr } = await cli('check', '-n', SHOP)
    expect({ status, stderr }, stdout).to.deep.equal({ status: 0, stderr: '' })
    expect(stdout).to.contain(`√ MutatingWebhookConfiguration ${PRODUCT} has `)
    expect(stdout).to.contain(`√ gets aws-outbound-jwt-proxy in namespace ${SHOP}`)
    expect(stdout).to.match(/√ \S+ serves one that expires in \d+ days/)
  })

  for (const { what, arguments: given = ['-n', SHOP], break: sabotage, says } of SABOTAGES)
    it(`finds ${what}`, async () => {
      const mend = await sabotage?.()
      try {
        const { status, stdout } = await cli('check', ...given)
        expect(stdout).to.match(says)
        expect(status).to.equal(stdout.includes('×') ? 1 : 0)
      } finally {
        await mend?.()
      }
    })
})

/** Deletes an object. @returns what creates it again. */
async function deleted(kind: string, name: string): Promise<() => Promise<unknown>> {
  const { metadata, ...object } = await stored(kind, name)
  await kubectl('delete', kind, name)
  const { labels, annotations } = metadata
  return async () => {
    await create(SYSTEM, { ...object, metadata: { name, labels, annotations } })
    await giveBack([kind, name], metadata)
  }
}

/** Replaces one value of an object. @returns what puts the old one back. */
async function patched(object: readonly string[], path: string, value: string): Promise<() => Promise<unknown>> {
  const before = await stored(...object)
  const old = path
    .slice(1)
    .split('/')
    .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key.replace('~1', '/')], before)
  await replace(object, path, value)
  return async () => {
    await replace(object, path, old)
    await giveBack(object, before.metadata)
  }
}

interface Stored {
  readonly metadata: { readonly labels?: object; readonly annotations?: object; readonly managedFields?: object }
}

const stored = async (...object: readonly string[]): Promise<Stored> =>
  JSON.parse(await kubectl('get', ...object, '-o', 'json', '--show-managed-fields')) as Stored

const replace = (object: readonly string[], path: string, value: unknown): Promise<string> =>
  kubectl('patch', ...object, '--type=json', '-p', JSON.stringify([{ op: 'replace', path, value }]))

/** The owners of its fields as they were: `helm upgrade` refuses to change what somebody else has written. */
const giveBack = (object: readonly string[], { managedFields }: Stored['metadata']): Promise<string> =>
  replace(object, '/metadata/managedFields', managedFields)
