import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { createEmulator } from '../aws-emulator/src/index.ts'
import type { Emulator } from '../aws-emulator/src/index.ts'
import { createTestAuthority } from '../support/certificates.ts'
import { MISSING_PROXIES, startSquid } from '../support/egress/proxies.ts'
import type { RunningEgressProxy } from '../support/egress/proxies.ts'
import type { RunningProcess } from '../support/process.ts'
import { call } from '../support/proxy/client.ts'
import { portsOf, startProxyProcess } from '../support/proxy/process.ts'
import { startUpstream } from '../support/proxy/upstream.ts'
import type { Upstream } from '../support/proxy/upstream.ts'
import { until } from '../support/until.ts'

const ROLE = 'arn:aws:iam::123456789012:role/orders'
const PARTNER = 'api.partner.example'
const STS = 'sts.aws.example'

describe('a pod whose only way out is squid', () => {
  let directory: string
  let emulator: Emulator
  let partner: Upstream
  let squid: RunningEgressProxy
  let proxy: RunningProcess
  const seen: (string | undefined)[] = []

  beforeEach(async function () {
    if (MISSING_PROXIES.length > 0) this.skip()
    directory = mkdtempSync(join(tmpdir(), 'egress-pod-'))
    const write = (name: string, text: string): string => {
      writeFileSync(join(directory, name), text)
      return join(directory, name)
    }
    const authority = await createTestAuthority()
    emulator = await createEmulator({ region: 'eu-central-1', accountId: '123456789012', roles: [{ arn: ROLE }] })
    partner = await startUpstream(
      ({ headers }, reply) => {
        seen.push(headers.authorization)
        reply.end('paid')
      },
      await authority.issue([PARTNER]),
    )
    squid = await startSquid({ names: [PARTNER, STS], credentials: { user: 'orders', password: 'cG9uaWVz' } })
    const sts = new URL(emulator.stsUrl)
    sts.hostname = STS
    proxy = startProxyProcess({
      ROUTES: JSON.stringify([{ hosts: [`${PARTNER}:${partner.port}`] }]),
      UPSTREAM_CA_FILE: write('ca.crt', authority.ca),
      EGRESS_PROXY: `http://127.0.0.1:${squid.port}`,
      EGRESS_CREDENTIALS_FILE: write('credentials', 'orders:cG9uaWVz\n'),
      AWS_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL_STS: sts.href,
      AWS_ROLE_ARN: ROLE,
      AWS_WEB_IDENTITY_TOKEN_FILE: write(
        'token',
        await emulator.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders' }),
      ),
    })
  })
  afterEach(async function () {
    if (MISSING_PROXIES.length > 0) return
    proxy.signal('SIGKILL')
    await proxy.exited
    await Promise.all([partner.close(), emulator.close(), squid.close()])
    rmSync(directory, { recursive: true })
  })

  it('gets its session and its token from STS, and calls its partner, all through it', async () => {
    const ports = await portsOf(proxy)
    const answer = await call(ports.proxy, `http://${PARTNER}/pay`)
    expect([answer.status, answer.body], proxy.output()).to.deep.equal([200, 'paid'])
    expect(seen[0]).to.match(/^Bearer eyJ/)
    proxy.signal('SIGTERM')
    await proxy.exited
    await until('squid has logged both', () => [PARTNER, STS].every((name) => squid.log().includes(`CONNECT ${name}:`)))
    expect(squid.log()).not.to.include('eyJ')
  })
})
