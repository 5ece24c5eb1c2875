import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { after, before, describe, it } from 'mocha'
import type { Emulator } from '../src/index.ts'
import { createEmulator } from '../src/index.ts'
import { ACCOUNT, AUDIENCE, REGION, ROLE } from './support/client.ts'

/** What each client prints about its calls. */
interface ClientReport {
  readonly arn: string
  readonly token: string
  readonly expiration: string
  readonly refusal: string
  readonly issuer?: string
  readonly enabled?: string
}

const run = promisify(execFile)
const CLIENTS = fileURLToPath(new URL('clients', import.meta.url))
const GO = join(CLIENTS, 'go')
/** Nothing is downloaded: a client that is not installed is skipped. */
const OFFLINE = { ...process.env, GOPROXY: 'off', GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local' }
/** The first build of the Go SDK takes most of it. */
const BUILD_LIMIT_MS = 180_000

const botocore = succeeds('python3', [
  '-c',
  'import botocore.session as s; s.get_session().get_service_model("sts").operation_model("GetWebIdentityToken")',
])
const goSdk = succeeds('go', ['-C', GO, 'list', '-deps', '.'])

function succeeds(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore', env: OFFLINE, timeout: 30_000 })
    return true
  } catch {
    return false
  }
}

describe('official clients of AWS, as in a pod with IRSA', () => {
  let emulator: Emulator
  let directory: string
  let tokenFile: string

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'clients-'))
    tokenFile = join(directory, 'token')
    emulator = await createEmulator({ region: REGION, accountId: ACCOUNT, roles: [{ arn: ROLE }] })
    writeFileSync(tokenFile, await emulator.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders' }))
  })
  after(async () => {
    await emulator.close()
    rmSync(directory, { recursive: true })
  })

  const environment = (): NodeJS.ProcessEnv => ({
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ROLE_ARN: ROLE,
    AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
    AWS_ROLE_SESSION_NAME: 'shop.orders',
    // Not AWS_ENDPOINT_URL: the credential chain of the Go SDK does not read it.
    AWS_ENDPOINT_URL_STS: emulator.stsUrl,
    AWS_ENDPOINT_URL_IAM: emulator.url,
    AWS_EC2_METADATA_DISABLED: 'true',
  })

  async function report(command: string, ...args: readonly string[]): Promise<ClientReport> {
    const { stdout } = await run(command, args, { env: environment() })
    return JSON.parse(stdout) as ClientReport
  }

  async function expectReport({ arn, token, expiration, refusal }: ClientReport): Promise<void> {
    expect(arn).to.equal('arn:aws:sts::123456789012:assumed-role/orders/shop.orders')
    const keys = createRemoteJWKSet(new URL(`${emulator.issuer}/.well-known/jwks.json`))
    const { payload } = await jwtVerify(token, keys, {
      issuer: emulator.issuer,
      audience: AUDIENCE,
      algorithms: ['ES384'],
    })
    expect(payload.sub).to.equal(ROLE)
    expect(Date.parse(expiration)).to.be.closeTo((payload.exp ?? 0) * 1000, 1000)
    expect(refusal).to.match(/^SessionDurationEscalation(Exception)?$/)
  }

  it('JavaScript: @aws-sdk/client-sts', async () => {
    await expectReport(await report(process.execPath, join(CLIENTS, 'javascript/client.ts')))
  })

  if (botocore)
    it('Python: botocore, with STS and IAM', async () => {
      const python = await report('python3', join(CLIENTS, 'python/client.py'))
      await expectReport(python)
      expect(python).to.include({ issuer: emulator.issuer, enabled: 'FeatureEnabled' })
    }).timeout(30_000)
  else it.skip('Python: skipped because python3 has no botocore that knows GetWebIdentityToken (pip install botocore)')

  if (goSdk)
    it('Go: aws-sdk-go-v2', async () => {
      const binary = join(directory, 'client')
      await run('go', ['-C', GO, 'build', '-o', binary, '.'], { env: OFFLINE })
      await expectReport(await report(binary))
    }).timeout(BUILD_LIMIT_MS)
  else
    it.skip(
      'Go: skipped because the Go SDK is not in the module cache (go -C test/aws-emulator/test/clients/go mod download)',
    )
})
