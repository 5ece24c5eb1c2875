import { Agent, request } from 'node:http'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import type { Emulator } from '../src/index.ts'
import { createEmulator } from '../src/index.ts'
import { ACCOUNT, REGION, ROLE, assumedRole } from './support/client.ts'
import { sendRequest, signRequest } from './support/signed-request.ts'

const CONCURRENT = 1_000
const MINT = new URLSearchParams({
  Action: 'GetWebIdentityToken',
  Version: '2011-06-15',
  'Audience.member.1': 'https://api.partner.example',
  SigningAlgorithm: 'ES384',
  DurationSeconds: '900',
}).toString()

describe('the emulator under load', () => {
  let emulator: Emulator

  before(async () => {
    emulator = await createEmulator({ region: REGION, accountId: ACCOUNT, roles: [{ arn: ROLE }] })
  })
  after(async () => {
    await emulator.close()
  })

  it(`answers ${CONCURRENT} concurrent requests, each verified, and records each`, async () => {
    const credentials = await (await assumedRole(emulator)).config.credentials()
    const signed = await Promise.all(
      Array.from({ length: CONCURRENT }, () => signRequest(emulator, { credentials, body: MINT })),
    )
    emulator.clearCalls()
    const answers = await Promise.all(signed.map((sent) => sendRequest(emulator, sent)))
    expect(new Set(answers)).to.deep.equal(new Set(['200 ok']))
    expect(emulator.calls()).to.have.length(CONCURRENT)
    expect(new Set(emulator.calls().map(({ outcome }) => outcome))).to.deep.equal(new Set(['ok']))
  }).timeout(60_000)

  it('refuses a body that is too large, and goes on', async () => {
    const response = await fetch(emulator.url, { method: 'POST', body: 'a'.repeat(300 * 1024) })
    expect(response.status).to.equal(413)
    await assumedRole(emulator)
  })

  it('closes while requests hang', async () => {
    const hanging = await createEmulator({ region: REGION, accountId: ACCOUNT, roles: [{ arn: ROLE }] })
    hanging.setFaults([{ kind: 'hang' }])
    const agent = new Agent({ keepAlive: true })
    const outcomes = Array.from(
      { length: 50 },
      () =>
        new Promise<string>((resolve) => {
          const call = request(hanging.url, { method: 'POST', agent }, () => resolve('answered'))
          call.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
          call.end('Action=GetWebIdentityToken')
        }),
    )
    while (hanging.calls().length < outcomes.length) await new Promise(setImmediate)
    await hanging.close()
    agent.destroy()
    expect(new Set(await Promise.all(outcomes))).to.deep.equal(new Set(['ECONNRESET']))
  })
})
