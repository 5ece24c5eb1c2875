import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import type { Emulator } from '../../src/index.ts'
import { createEmulator } from '../../src/index.ts'
import { ACCOUNT, REGION, ROLE, assumedRole, mint, refusal } from '../support/client.ts'
import { sendRequest, signRequest } from '../support/signed-request.ts'

describe('outbound federation in IAM', () => {
  let emulator: Emulator

  before(async () => {
    emulator = await createEmulator({ region: REGION, accountId: ACCOUNT, roles: [{ arn: ROLE }] })
  })
  afterEach(() => {
    emulator.reset()
  })
  after(async () => {
    await emulator.close()
  })

  /** @returns status and wire code, or `200 ok`. */
  async function iam(action: string, region = 'us-east-1'): Promise<string> {
    const credentials = await (await assumedRole(emulator)).config.credentials()
    const body = `Action=${action}OutboundWebIdentityFederation${action === 'Get' ? 'Info' : ''}&Version=2010-05-08`
    return sendRequest(emulator, await signRequest(emulator, { credentials, body, region, service: 'iam' }))
  }

  it('is switched off and on; twice is an error, and STS follows', async () => {
    const sts = await assumedRole(emulator)
    expect([await iam('Get'), await iam('Enable')]).to.deep.equal(['200 ok', '409 FeatureEnabled'])
    expect(await iam('Disable')).to.equal('200 ok')
    expect([await iam('Get'), await iam('Disable')]).to.deep.equal(['404 FeatureDisabled', '404 FeatureDisabled'])
    expect(await refusal(() => sts.send(mint()))).to.contain('OutboundWebIdentityFederationDisabledException')
    expect(await iam('Enable')).to.equal('200 ok')
    await sts.send(mint())
  })

  it('is an action of its own in policies', async () => {
    const Statement = { Effect: 'Allow', Action: 'iam:Get*' } as const
    emulator.setRoles([{ arn: ROLE, policies: { identity: { Statement } } }])
    expect([await iam('Get'), await iam('Disable')]).to.deep.equal(['200 ok', '403 AccessDenied'])
  })

  it('takes signatures for its own region and for that of the endpoint, and no other', async () => {
    const answers = await Promise.all([iam('Get', 'us-east-1'), iam('Get', REGION), iam('Get', 'us-west-2')])
    expect(answers).to.deep.equal(['200 ok', '200 ok', '403 SignatureDoesNotMatch'])
  })

  it('is not found under the version of STS', async () => {
    const credentials = await (await assumedRole(emulator)).config.credentials()
    const body = 'Action=EnableOutboundWebIdentityFederation&Version=2011-06-15'
    expect(await sendRequest(emulator, await signRequest(emulator, { credentials, body }))).to.equal(
      '400 InvalidAction',
    )
  })
})
