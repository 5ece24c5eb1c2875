import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { LOOPBACK, RESTRICTED, ROLE, ROUTES, pod, podSpec, sidecar } from '../support/guard.ts'
import { create, createNamespace, deleteNamespaces, kubectl } from '../support/kubectl.ts'
import { eventually } from '../support/eventually.ts'

const NAMESPACE = 'outbound-jwt-guard-running'
const ACTIVE_LIMIT_MS = 30_000
const TOKEN = 'aws-outbound-jwt-token'
const PATHS = { application: '/spec/containers/0', sidecar: '/spec/initContainers/0' } as const

/** Of no scheduler: what is changed here is what the API server stores. */
const spec = (env = [LOOPBACK, ROLE, ROUTES]): object => ({
  ...podSpec([sidecar(env)]),
  volumes: [{ name: TOKEN, emptyDir: {} }],
  schedulerName: 'none',
})

describe('the guard of running pods', function () {
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    await deleteNamespaces(NAMESPACE)
    await createNamespace(NAMESPACE)
    // Without annotations: the webhook does not see them.
    await create(NAMESPACE, pod({}, spec()))
    await create(NAMESPACE, renamed('by-hand', spec([LOOPBACK, { name: 'UPSTREAM_HOST', value: 'x.example' }])))
    const refuses = async (): Promise<boolean> => (await setImage('orders', 'sidecar').catch(String)).includes('cannot')
    await eventually('the policy is in force', refuses, ACTIVE_LIMIT_MS)
  })

  after(async () => {
    if (process.env['KUBECONFIG'] !== undefined) await deleteNamespaces(NAMESPACE)
  })

  it('refuses another image of the sidecar', async () => {
    expect(await setImage('orders', 'sidecar').catch(String)).to.include(
      'the image of container aws-outbound-jwt-proxy cannot be changed in a running pod',
    )
  })

  it('accepts another image of an application', async () => {
    expect(await setImage('orders', 'application')).to.include('patched')
  })

  it('accepts another image of a sidecar that was written by hand', async () => {
    expect(await setImage('by-hand', 'sidecar')).to.include('patched')
  })

  it('accepts labels and annotations', async () => {
    const metadata = { labels: { team: 'orders' }, annotations: { 'example.com/note': 'x' } }
    const changed = await kubectl('patch', 'pod', 'orders', '-n', NAMESPACE, '-p', JSON.stringify({ metadata }))
    expect(changed).to.include('patched')
  })

  it('refuses an ephemeral container that mounts the token', async () => {
    expect(await debug('orders', [{ name: TOKEN, mountPath: '/stolen' }]).catch(String)).to.include(
      'ephemeral container debug mounts a volume of container aws-outbound-jwt-proxy',
    )
  })

  it('accepts an ephemeral container that mounts nothing of ours', async () => {
    expect(await debug('orders', [])).to.include('patched')
  })
})

const renamed = (name: string, podOf: object): object => ({
  ...pod({}, podOf),
  metadata: { name },
})

function setImage(name: string, container: keyof typeof PATHS): Promise<string> {
  const patch = [{ op: 'replace', path: `${PATHS[container]}/image`, value: 'registry.example/other:2' }]
  const args = ['--type=json', '-p', JSON.stringify(patch), '--dry-run=server']
  return kubectl('patch', 'pod', name, '-n', NAMESPACE, ...args)
}

function debug(name: string, volumeMounts: readonly object[]): Promise<string> {
  const container = { name: 'debug', image: 'registry.example/debug:1', volumeMounts, securityContext: RESTRICTED }
  const patch = JSON.stringify({ spec: { ephemeralContainers: [container] } })
  const args = ['--subresource=ephemeralcontainers', '-p', patch, '--dry-run=server']
  return kubectl('patch', 'pod', name, '-n', NAMESPACE, ...args)
}
