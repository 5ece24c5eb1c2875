import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import type { Emulator } from '../../src/index.ts'
import { clusterFrom, createEmulator } from '../../src/index.ts'
import { ACCOUNT, REGION, ROLE, assumedRole, refusal } from '../support/client.ts'

describe('a cluster that is trusted', () => {
  let other: Emulator
  let directory: string

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'jwks-'))
    // Its own cluster is the cluster that another emulator trusts.
    other = await createEmulator({ region: REGION, accountId: ACCOUNT, roles: [] })
  })
  after(async () => {
    await other.close()
    await rm(directory, { recursive: true })
  })

  const issuer = (): string => `${other.url}/_cluster`
  const token = (): Promise<string> => other.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders' })

  async function trusting(location: string, run: (emulator: Emulator) => Promise<void>): Promise<void> {
    const clusters = [await clusterFrom(location, issuer())]
    const emulator = await createEmulator({ region: REGION, accountId: ACCOUNT, roles: [{ arn: ROLE }], clusters })
    try {
      await run(emulator)
    } finally {
      await emulator.close()
    }
  }

  it('by the URL of its keys', async () => {
    await trusting(`${issuer()}/keys`, async (emulator) => {
      await assumedRole(emulator, { token: await token() })
      other.setFaults([{ operation: 'ClusterJwks', kind: 'html' }])
      expect(await refusal(async () => assumedRole(emulator, { token: await token() }))).to.contain(
        'IDPCommunicationError',
      )
      other.setFaults([])
    })
  })

  it('by a file of its keys, which is read for every token', async () => {
    const file = join(directory, 'keys.json')
    const write = async (text: string): Promise<void> => writeFile(file, text)
    await write('{"keys":[]}')
    await trusting(file, async (emulator) => {
      expect(await refusal(async () => assumedRole(emulator, { token: await token() }))).to.contain(
        'InvalidIdentityToken',
      )
      await write(await (await fetch(`${issuer()}/keys`)).text())
      await assumedRole(emulator, { token: await token() })
    })
  })

  it('publishes a discovery document in the form of EKS', async () => {
    const discovery = (await (await fetch(`${issuer()}/.well-known/openid-configuration`)).json()) as Record<
      string,
      unknown
    >
    expect(discovery).to.include({
      issuer: issuer(),
      jwks_uri: `${issuer()}/keys`,
      authorization_endpoint: 'urn:kubernetes:programmatic_authorization',
    })
  })

  it('mints tokens over HTTP, and refuses what it cannot name', async () => {
    const mintToken = (body: object): Promise<Response> =>
      fetch(`${issuer()}/token`, { method: 'POST', body: JSON.stringify(body) })
    const response = await mintToken({ namespace: 'shop', serviceAccount: 'orders' })
    const { token: minted } = (await response.json()) as { token: string }
    await trusting(`${issuer()}/keys`, async (emulator) => {
      await assumedRole(emulator, { token: minted })
    })
    const refused = await mintToken({ namespace: 'Shop' })
    expect(refused.status).to.equal(400)
    expect(((await refused.json()) as { error: string }).error)
      .to.contain('token.namespace')
      .and.to.contain('token.serviceAccount')
  })
})
