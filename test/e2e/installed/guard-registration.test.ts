import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { kubectl } from '../support/kubectl.ts'
import { PRODUCT, SYSTEM } from '../support/names.ts'

const USER = `system:serviceaccount:${SYSTEM}:${PRODUCT}`
const REFUSED = 'may change caBundle in the registration of a webhook and nothing else'

const PATCHED = /patched$/m

type Operation = Readonly<Record<'op' | 'path', string>> & { readonly value?: unknown }

const set = (path: string, value: unknown): Operation => ({ op: 'add', path, value })
const replace = (path: string, value: unknown): Operation => ({ op: 'replace', path, value })

/** Each of them would hand somebody objects that the webhook has no business with, or the webhook's trust. */
const CHANGES: readonly (readonly [what: string, Operation])[] = [
  ['the objects it is called for', replace('/webhooks/0/rules/0/resources/0', '*')],
  ['the groups it is called for', replace('/webhooks/0/rules/0/apiGroups/0', '*')],
  ['the operations it is called for', set('/webhooks/0/rules/0/operations/-', 'UPDATE')],
  [
    'another rule',
    set('/webhooks/0/rules/-', { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }),
  ],
  ['the service that is called', set('/webhooks/0/clientConfig/service/name', 'other')],
  ['the path that is called', set('/webhooks/0/clientConfig/service/path', '/other')],
  [
    'a URL instead of the service',
    { op: 'replace', path: '/webhooks/0/clientConfig', value: { url: 'https://evil.example' } },
  ],
  ['the namespaces', { op: 'remove', path: '/webhooks/0/namespaceSelector' }],
  ['the object selector', set('/webhooks/0/objectSelector', { matchLabels: { a: 'b' } })],
  ['the conditions', { op: 'remove', path: '/webhooks/0/matchConditions/0' }],
  ['the failure policy', set('/webhooks/0/failurePolicy', 'Ignore')],
  ['the time limit', set('/webhooks/0/timeoutSeconds', 30)],
  ['the reinvocation', set('/webhooks/0/reinvocationPolicy', 'Never')],
  ['the name of an entry', set('/webhooks/0/name', 'other.outbound-jwt.io')],
  ['the number of entries', { op: 'remove', path: '/webhooks/1' }],
  ['labels', set('/metadata/labels/team', 'evil')],
  ['annotations', set('/metadata/annotations', { 'cert-manager.io/inject-ca-from': 'evil/evil' })],
  ['owners', set('/metadata/ownerReferences', [{ apiVersion: 'v1', kind: 'Namespace', name: 'default', uid: '1' }])],
  ['finalizers', set('/metadata/finalizers', ['evil.example/stay'])],
]

describe('the guard of the registration', function () {
  before(function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
  })

  it('lets the webhook write caBundle', async () => {
    expect(await patch([set('/webhooks/0/clientConfig/caBundle', await caBundle())], USER)).to.include('no change')
    expect(await patch([set('/webhooks/0/clientConfig/caBundle', '')], USER)).to.match(PATCHED)
  })

  for (const [what, operation] of CHANGES) {
    it(`does not let the webhook change ${what}`, async () =>
      expect(await patch([operation], USER).catch(String)).to.include(REFUSED))

    it(`lets others change ${what}`, async () => expect(await patch([operation])).to.match(PATCHED))
  }

  it('holds for the registration of warnings, too', async () => {
    const rules = [replace('/webhooks/0/rules/0/apiGroups/0', '*')]
    expect(await patch(rules, USER, 'validatingwebhookconfiguration').catch(String)).to.include(REFUSED)
    const bundle = [set('/webhooks/0/clientConfig/caBundle', '')]
    expect(await patch(bundle, USER, 'validatingwebhookconfiguration')).to.match(PATCHED)
  })

  it('does not let the webhook hide another change behind caBundle', async () => {
    const both = [set('/webhooks/0/clientConfig/caBundle', ''), replace('/webhooks/0/rules/0/resources/0', '*')]
    expect(await patch(both, USER).catch(String)).to.include(REFUSED)
  })
})

const caBundle = (): Promise<string> =>
  kubectl('get', 'mutatingwebhookconfiguration', PRODUCT, '-o', 'jsonpath={.webhooks[0].clientConfig.caBundle}')

function patch(
  operations: readonly Operation[],
  user?: string,
  kind = 'mutatingwebhookconfiguration',
): Promise<string> {
  const as = user === undefined ? [] : [`--as=${user}`]
  const args = ['--type=json', '-p', JSON.stringify(operations), '--dry-run=server', ...as]
  return kubectl('patch', kind, PRODUCT, ...args)
}
