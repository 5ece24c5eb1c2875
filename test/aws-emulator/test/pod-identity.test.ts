import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { STSClient } from '@aws-sdk/client-sts'
import { fromHttp } from '@aws-sdk/credential-provider-http'
import { expect } from 'chai'
import { decodeJwt } from 'jose'
import { after, afterEach, before, describe, it } from 'mocha'
import type { Emulator } from '../src/index.ts'
import { createEmulator } from '../src/index.ts'
import { ACCOUNT, REGION, ROLE, mint, refusal } from './support/client.ts'

const POD = { namespace: 'shop', serviceAccount: 'orders', pod: 'orders-1', audience: 'pods.eks.amazonaws.com' }

describe('Pod Identity', () => {
  let emulator: Emulator
  let directory: string
  const now = Date.now()

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pod-identity-'))
    emulator = await createEmulator({
      region: REGION,
      accountId: ACCOUNT,
      roles: [{ arn: ROLE, tags: { team: 'orders', 'Kubernetes-Namespace': 'of the role' } }],
      podIdentityAssociations: [{ namespace: 'shop', serviceAccount: 'orders', roleArn: ROLE }],
      now: () => now,
    })
  })
  afterEach(() => {
    emulator.reset()
  })
  after(async () => {
    await emulator.close()
    await rm(directory, { recursive: true })
  })

  const ask = (token: string): Promise<Response> =>
    fetch(emulator.podIdentityUrl, { headers: { authorization: token } })
  /** The official SDK, which finds the endpoint as in a pod. */
  async function client(): Promise<STSClient> {
    const file = join(directory, 'token')
    await writeFile(file, await emulator.mintServiceAccountToken(POD))
    return new STSClient({
      region: REGION,
      endpoint: emulator.stsUrl,
      maxAttempts: 1,
      credentials: fromHttp({
        awsContainerCredentialsFullUri: emulator.podIdentityUrl,
        awsContainerAuthorizationTokenFile: file,
        maxRetries: 0,
      }),
    })
  }

  it('gives a session of six hours, whose tokens carry the tags of EKS as principal tags', async () => {
    const sts = await client()
    const { WebIdentityToken = '' } = await sts.send(mint({ DurationSeconds: 3600 }))
    const { sub, ...claims } = decodeJwt(WebIdentityToken)
    const nested = claims['https://sts.amazonaws.com/'] as Record<string, unknown>
    expect(sub).to.equal(ROLE)
    expect(nested).not.to.have.property('federated_provider')
    const end = Date.parse(String(nested['original_session_exp']))
    expect(end - now).to.be.within(6 * 3_600_000 - 1000, 6 * 3_600_000)
    const tags = nested['principal_tags'] as Record<string, string>
    expect(tags['kubernetes-pod-uid']).to.match(/^[0-9a-f-]{36}$/)
    expect({ ...tags, 'kubernetes-pod-uid': '' }).to.deep.equal({
      team: 'orders',
      'eks-cluster-arn': `arn:aws:eks:${REGION}:${ACCOUNT}:cluster/emulated`,
      'eks-cluster-name': 'emulated',
      'kubernetes-namespace': 'shop',
      'kubernetes-service-account': 'orders',
      'kubernetes-pod-name': 'orders-1',
      'kubernetes-pod-uid': '',
    })
  })

  it('lets a trust policy look at the session tags', async () => {
    const statement = (namespace: string): object => ({
      Effect: 'Allow',
      Action: ['sts:AssumeRole', 'sts:TagSession'],
      Principal: { Service: 'pods.eks.amazonaws.com' },
      Condition: { StringEquals: { 'aws:RequestTag/kubernetes-namespace': namespace } },
    })
    const token = await emulator.mintServiceAccountToken(POD)
    const status = async (namespace: string): Promise<number> => {
      const body = JSON.stringify([{ arn: ROLE, trust: { Statement: statement(namespace) } }])
      await fetch(`${emulator.url}/_admin/roles`, { method: 'PUT', body })
      return (await ask(token)).status
    }
    expect([await status('shop'), await status('other')]).to.deep.equal([200, 400])
  })

  const refused: Readonly<Record<string, [object, number, string]>> = {
    'a token for another audience': [{ audience: 'sts.amazonaws.com' }, 400, 'InvalidTokenException'],
    'a token that is bound to no pod': [{ pod: undefined }, 400, 'not bound to a pod'],
    'an expired token': [{ expiresInSeconds: -400 }, 400, 'ExpiredTokenException'],
    'a service account without an association': [{ serviceAccount: 'billing' }, 404, 'ResourceNotFoundException'],
  }
  for (const [what, [fields, status, expected]] of Object.entries(refused)) {
    it(`refuses ${what}`, async () => {
      const response = await ask(await emulator.mintServiceAccountToken({ ...POD, ...fields }))
      expect(response.status).to.equal(status)
      expect(await response.text()).to.contain(expected)
    })
  }

  it('refuses a request without a token, and a text that is no token', async () => {
    expect([(await fetch(emulator.podIdentityUrl)).status, (await ask('nonsense')).status]).to.deep.equal([400, 400])
  })

  it('fails on demand, and the call is recorded', async () => {
    emulator.setFaults([{ operation: 'PodIdentity', kind: 'error', code: 'InternalServerException', status: 500 }])
    const sts = await client()
    expect(await refusal(() => sts.send(mint()))).to.contain('CredentialsProviderError')
    expect(emulator.calls()).to.have.length(1)
    expect(emulator.calls()[0]).to.include({ action: 'PodIdentity', status: 500, fault: 'error' })
  })

  it('gives a short session on demand', async () => {
    emulator.setFaults([{ operation: 'PodIdentity', kind: 'lifetime', seconds: 300 }])
    const sts = await client()
    expect(await refusal(() => sts.send(mint({ DurationSeconds: 300 })))).to.contain('SessionDurationEscalation')
  })
})
