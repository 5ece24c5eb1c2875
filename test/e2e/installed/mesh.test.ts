import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { expectVerified, firstAnswers } from '../support/answers.ts'
import { deleteInjectors, registerInjector } from '../support/injector.ts'
import { deleteNamespaces, kubectl } from '../support/kubectl.ts'
import { ASKING, openShop } from '../support/workload.ts'

const SHAPES = ['/istio/classic', '/istio/native', '/linkerd/classic', '/linkerd/native'].flatMap((path) =>
  [true, false].map((first) => ({ path, first, reinvocation: 'IfNeeded' as const })),
)
type Shape = (typeof SHAPES)[number]

describe('service meshes', function () {
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    await Promise.all(SHAPES.map(start))
  })
  after(async () => {
    if (process.env['KUBECONFIG'] === undefined) return
    await deleteInjectors()
    await deleteNamespaces(...SHAPES.map(namespaceOf))
  })

  for (const shape of SHAPES) {
    it(`${shape.path.slice(1)}, called ${shape.first ? 'before' : 'after'} us, and the pod starts and gets its answer`, async () => {
      const namespace = namespaceOf(shape)
      expectVerified((await firstAnswers({ namespace, workload: 'pod/orders' }))[0]!)
      const pod = JSON.parse(await kubectl('get', 'pod', 'orders', '-n', namespace, '-o', 'json')) as Pod
      const names = [...pod.spec.initContainers, ...pod.spec.containers].map(({ name }) => name)
      expect(names).to.include.members(['aws-outbound-jwt-proxy', `${shape.path.split('/')[1] ?? ''}-proxy`])
      expect(new Set(names).size).to.equal(names.length)
    })
  }

  async function start(shape: Shape): Promise<void> {
    const shop = await openShop(namespaceOf(shape))
    await registerInjector(shop.namespace, shape)
    await shop.apply(shop.pod('orders', { annotations: ASKING }))
  }
})

interface Pod {
  readonly spec: {
    readonly initContainers: readonly { readonly name: string }[]
    readonly containers: readonly { readonly name: string }[]
  }
}

function namespaceOf({ path, first }: Shape): string {
  return `outbound-jwt-e2e${path.replaceAll('/', '-')}-${first ? 'before' : 'after'}`
}
