import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { createSts } from '../../proxy/src/tokens/sources/aws/sts.ts'
import { setAwsEnvironment } from '../support/tokens/environment.ts'
import { ROLE } from '../support/tokens/jwt.ts'
import type { StsServer } from '../support/tokens/sts-server.ts'
import { SECRETS, refuse, startStsServer } from '../support/tokens/sts-server.ts'

const BEHIND_MS = 1_800_000

describe('the clock of STS, through the AWS SDK', () => {
  let sts: StsServer
  let directory: string
  let restore: () => void

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'clock-'))
    writeFileSync(join(directory, 'token'), SECRETS.serviceAccountToken)
    sts = await startStsServer((response, call) => {
      response.setHeader('Date', new Date(Date.now() - BEHIND_MS).toUTCString())
      refuse(400, 'InvalidIdentityToken', 'The token is from the future')(response, call)
    })
    restore = setAwsEnvironment({
      AWS_REGION: 'eu-central-1',
      AWS_ROLE_ARN: ROLE,
      AWS_WEB_IDENTITY_TOKEN_FILE: join(directory, 'token'),
      AWS_ENDPOINT_URL_STS: sts.url,
    })
  })

  after(async () => {
    restore()
    await sts.close()
    rmSync(directory, { recursive: true })
  })

  it('is told by the refusal of a session, which another client of the SDK asks for', async () => {
    const port = createSts({ environment: process.env, sessionName: 'shop.orders' })
    expect(port.clockSkewMs()).to.equal(undefined)
    const failure = await port.session(false, AbortSignal.timeout(10_000)).catch((error: unknown) => error)
    expect(failure).to.be.an('error')
    expect(port.clockSkewMs()).to.be.closeTo(-BEHIND_MS, 5_000)
  })
})
