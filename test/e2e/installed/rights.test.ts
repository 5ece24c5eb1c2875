import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import type { Cli } from '../support/cli.ts'
import { cliOf } from '../support/cli.ts'
import { deleteNamespaces, kubectl } from '../support/kubectl.ts'
import { SYSTEM } from '../support/names.ts'
import { ASKING, openShop } from '../support/workload.ts'

const SHOP = 'outbound-jwt-e2e-rights'
/** What docs/cli.md makes for a whole cluster. */
const MADE = ['clusterrole', 'clusterrolebinding'].map((kind) => [kind, 'outbound-jwt-check'] as const)

/** @returns the commands under "Rights" in docs/cli.md, for a service account of this test. */
function documented(account: string): readonly (readonly string[])[] {
  const [, section = ''] = readFileSync('docs/cli.md', 'utf8').split('\n## Rights\n')
  return [...section.matchAll(/^kubectl (.*)$/gm)].map(([, line = '']) =>
    line
      .replace('outbound-jwt-system', SYSTEM)
      .replace('-n shop', `-n ${SHOP}`)
      .replace('--user=maria', `--serviceaccount=${SHOP}:${account}`)
      .split(' '),
  )
}

describe('the command line in the hands of people with few rights', function () {
  const hands = new Map<string, Cli>()
  const as = (account: string): Cli => hands.get(account) ?? expect.fail(`no ${account}`)

  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    const shop = await openShop(SHOP)
    for (const account of ['nobody', 'viewer', 'editor', 'reader']) {
      await kubectl('create', 'serviceaccount', account, '-n', SHOP)
      hands.set(account, await cliOf(SHOP, account))
    }
    const bind = (role: string, account: string): Promise<string> =>
      kubectl(
        'create',
        'rolebinding',
        account,
        `--clusterrole=${role}`,
        `--serviceaccount=${SHOP}:${account}`,
        '-n',
        SHOP,
      )
    await Promise.all([bind('view', 'viewer'), bind('edit', 'editor')])
    for (const command of documented('reader')) await kubectl(...command)
    await shop.apply(shop.pod('orders', { annotations: ASKING }))
    await kubectl('wait', '-n', SHOP, 'pod/orders', '--for=condition=Ready', '--timeout=90s')
  })
  after(async () => {
    if (process.env['KUBECONFIG'] === undefined) return
    await deleteNamespaces(SHOP)
    for (const [kind, name] of MADE) await kubectl('delete', kind, name, '--ignore-not-found')
    for (const kind of ['role', 'rolebinding'])
      await kubectl('delete', kind, 'outbound-jwt-check', '-n', SYSTEM, '--ignore-not-found')
  })

  it('names the right that is missing, and how to come by it, to who has none', async () => {
    const ask = (right: string): string => `fix: Ask an administrator of the cluster for the right to ${right}.`
    const status = await as('nobody')('status', '-n', SHOP)
    expect(status.status).to.equal(69)
    expect(status.stderr)
      .to.contain(ask(`list pods in namespace ${SHOP}`))
      .and.to.contain('docs/cli.md#rights')
    const doctor = await as('nobody')('doctor', 'orders', '-n', SHOP)
    expect(doctor.status).to.equal(69)
    expect(doctor.stderr).to.contain(ask(`get and create pods/exec in namespace ${SHOP}`))
    const check = await as('nobody')('check', '-n', SHOP, '--service-account', 'orders')
    expect(check.status, check.stdout).to.equal(69)
    expect(check.stdout).not.to.contain('×')
    expect(check.stdout)
      .to.contain(ask('list mutatingwebhookconfigurations in the whole cluster'))
      .and.to.contain(ask(`create pods in namespace ${SHOP}`))
    const before = await as('nobody')('check', '--pre')
    expect(before.status).to.equal(1)
    expect(before.stdout).to.match(/× you may not create namespaces, .*clusterroles/)
  })

  it('shows the pods to who may view them, and says what their numbers need', async () => {
    const { status, stdout, stderr } = await as('viewer')('status', '-n', SHOP)
    expect(status).to.equal(0)
    expect(stdout).to.match(/^outbound-jwt-e2e-rights +orders +yes .* \? +\? +\?$/m)
    expect(stderr).to.contain(`the right to get pods/proxy in namespace ${SHOP}`)
  })

  it('shows and examines everything of a namespace to who may edit it', async () => {
    const { stdout, stderr } = await as('editor')('status', '-n', SHOP)
    expect(stderr).to.equal('')
    expect(stdout).to.match(/orders +yes +\S+ +api\.partner\.example/)
    const examined = await as('editor')('doctor', 'orders', '-n', SHOP, '-o', 'json')
    expect(JSON.parse(examined.stdout)).to.have.property('findings').that.is.not.empty
  })

  it('asks for no more than the commands of its page give', async () => {
    const { stdout, stderr } = await as('reader')('status', '-n', SHOP)
    expect(stderr).to.equal('')
    expect(stdout).to.contain('orders')
    // Nobody gives it pods to create.
    const check = await as('reader')('check', '-n', SHOP)
    expect(check.stdout.split('\n').filter((line) => /^ {2}[-×] /.test(line))).to.have.lengthOf(1)
    expect(check.stdout).to.contain(`the right to create pods in namespace ${SHOP}.`)
    await kubectl('create', 'role', 'tester', '--verb=create', '--resource=pods', '-n', SHOP)
    await kubectl('create', 'rolebinding', 'tester', '--role=tester', `--serviceaccount=${SHOP}:reader`, '-n', SHOP)
    const whole = await as('reader')('check', '-n', SHOP)
    expect(whole.status, whole.stdout).to.equal(0)
  })
})
