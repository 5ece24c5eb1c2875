import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createRemoteJWKSet } from 'jose'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { createEmulator } from '../aws-emulator/src/index.ts'
import type { Emulator } from '../aws-emulator/src/index.ts'
import { VENDORS } from '../partner-emulators/cases.ts'
import { VENDOR_HOSTS, startPartnerEmulators } from '../partner-emulators/server.ts'
import type { PartnerEmulators } from '../partner-emulators/server.ts'
import { GOOGLE } from '../partner-emulators/vendors/google.ts'
import { VAULT } from '../partner-emulators/vendors/vault.ts'
import { createTestAuthority } from '../support/certificates.ts'
import { argumentsHere, entrypoint } from '../support/image.ts'
import { startNode } from '../support/process.ts'
import type { RunningProcess } from '../support/process.ts'
import { call, errorOf } from '../support/proxy/client.ts'
import { startUpstream } from '../support/proxy/upstream.ts'
import type { Upstream } from '../support/proxy/upstream.ts'

const ROLE = 'arn:aws:iam::123456789012:role/orders'
const PARTNERS = ['raw', 'google', 'entra', 'vault'].map((name) => `${name}.partner.example`)

describe('one pod with four partners', () => {
  let directory: string
  let emulator: Emulator
  let emulators: PartnerEmulators
  let partner: Upstream
  let proxy: RunningProcess
  let ports: { readonly proxy: number; readonly admin: number; readonly control: number }
  /** Header fields of requests, by host. */
  let seen: Map<string, Readonly<Record<string, unknown>>>
  let status: number

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'exchange-'))
    const authority = await createTestAuthority()
    emulator = await createEmulator({ region: 'eu-central-1', accountId: '123456789012', roles: [{ arn: ROLE }] })
    const keys = createRemoteJWKSet(new URL(`${emulator.issuer}/.well-known/jwks.json`))
    emulators = await startPartnerEmulators({ issuer: emulator.issuer, keys, subject: ROLE }, authority)
    seen = new Map()
    status = 200
    partner = await startUpstream(
      ({ headers }, reply) => {
        seen.set((headers.host ?? '').replace(/:\d+$/, ''), headers)
        reply.writeHead(status, status === 401 ? { 'www-authenticate': 'Bearer error="invalid_token"' } : {}).end()
      },
      await authority.issue(PARTNERS),
    )
    const write = (name: string, text: string): string => {
      writeFileSync(join(directory, name), text)
      return join(directory, name)
    }
    const ca = write('ca.crt', authority.ca)
    const token = await emulator.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders' })
    await start({
      UPSTREAM_CA_FILE: ca,
      AWS_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL_STS: emulator.stsUrl,
      AWS_ROLE_ARN: ROLE,
      AWS_WEB_IDENTITY_TOKEN_FILE: write('token', token),
      EXPECTED_ROLE_ARN: ROLE,
    })
  })
  afterEach(async () => {
    proxy.signal('SIGKILL')
    await proxy.exited
    await Promise.all([partner.close(), emulators.close(), emulator.close()])
    rmSync(directory, { recursive: true })
  })

  async function start(
    variables: Readonly<Record<string, string>>,
    routes: readonly object[] = routesOf(),
  ): Promise<void> {
    const names = [...PARTNERS, ...VENDOR_HOSTS]
    const preloads = ['--import', './test/support/resolve.mjs', '--import', './test/support/redirect-ports.mjs']
    proxy = startNode([...preloads, ...argumentsHere(entrypoint('Dockerfile.proxy'), 'dist/proxy')], {
      LISTEN_ADDR: '127.0.0.1:0',
      ADMIN_LISTEN_ADDR: '127.0.0.1:0',
      CONTROL_LISTEN_ADDR: '127.0.0.1:0',
      ALLOW_LOCAL_UPSTREAMS: 'true',
      AWS_EC2_METADATA_DISABLED: 'true',
      ROUTES: JSON.stringify(routes),
      RESOLVE_HOSTS: names.map((name) => `${name}=127.0.0.1`).join(','),
      REDIRECT_PORTS: VENDOR_HOSTS.map((name) => `${name}=${emulators.port}`).join(','),
      ...variables,
    })
    const listening = await proxy.logged('listening')
    const port = (name: string): number => Number(String(listening[name]).split(':').at(-1))
    ports = { proxy: port('proxy'), admin: port('admin'), control: port('control') }
  }

  const hostOf = (name: string): string => `${name}.partner.example:${partner.port}`
  const routesOf = (): readonly object[] => [
    { hosts: [hostOf('raw')] },
    { hosts: [hostOf('google')], audience: [`https:${GOOGLE.audience}`], exchange: VENDORS.google },
    { hosts: [hostOf('entra')], exchange: VENDORS.entra },
    { hosts: [hostOf('vault')], audience: [VAULT.audience], exchange: VENDORS.vault },
  ]
  const get = (name: string): ReturnType<typeof call> => call(ports.proxy, `http://${hostOf(name)}/`)
  const minted = (): number => emulator.calls().filter(({ action }) => action === 'GetWebIdentityToken').length
  const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${ports.admin}/metrics`)).text()

  it('sends each what it accepts, and nothing of one to another', async () => {
    for (const name of ['raw', 'google', 'entra', 'vault']) expect((await get(name)).status, name).to.equal(200)
    const field = (name: string, key: string): string => String(seen.get(`${name}.partner.example`)?.[key])
    expect(field('raw', 'authorization')).to.match(/^Bearer eyJ/)
    expect(field('google', 'authorization')).to.match(/^Bearer ya29\.impersonated-/)
    expect(field('entra', 'authorization')).to.match(/^Bearer entra-/)
    expect(field('vault', 'x-vault-token')).to.match(/^hvs\./)
    expect(seen.get('vault.partner.example')).not.to.have.property('authorization')
    expect(minted(), 'source tokens').to.equal(4)
    const series = await metrics()
    expect(series).to.contain('outbound_jwt_token_exchanges_total{step="source",result="ok"} 3')
    expect(series).to.contain('outbound_jwt_token_exchanges_total{step="exchange",result="ok"} 3')
    for (const secret of ['ya29.', 'entra-', 'hvs.', 'eyJ']) expect(proxy.output()).not.to.contain(secret)
  })

  it('asks once for a thousand cold requests, and again after a 401 invalid_token', async () => {
    await Promise.all(Array.from({ length: 1_000 }, () => get('entra')))
    expect(emulators.calls('login.microsoftonline.com')).to.equal(1)
    const before = seen.get('entra.partner.example')?.['authorization']
    status = 401
    expect((await get('entra')).status).to.equal(401)
    status = 200
    await get('entra')
    expect(seen.get('entra.partner.example')?.['authorization']).not.to.equal(before)
    expect(emulators.calls('login.microsoftonline.com')).to.equal(2)
    expect(await metrics()).to.match(/outbound_jwt_tokens_rejected_total\{route="entra\.partner\.example[^"]*"\} 1/)
  }).timeout(120_000)

  it('says to the application what the partner said', async () => {
    const routes = [{ hosts: [hostOf('entra')], exchange: { ...VENDORS.entra, clientId: 'other' } }]
    proxy.signal('SIGKILL')
    await proxy.exited
    await start(
      {
        UPSTREAM_CA_FILE: join(directory, 'ca.crt'),
        AWS_REGION: 'eu-central-1',
        AWS_ENDPOINT_URL_STS: emulator.stsUrl,
        AWS_ROLE_ARN: ROLE,
        AWS_WEB_IDENTITY_TOKEN_FILE: join(directory, 'token'),
      },
      routes,
    )
    const reply = await get('entra')
    expect(reply.status).to.equal(502)
    const { code, message } = errorOf(reply)
    expect(code).to.equal('token_denied')
    expect(message).to.match(/It says: HTTP 400, unauthorized_client: AADSTS700016/)
    expect(seen.size, 'calls of the partner').to.equal(0)
  })

  it('needs no AWS credentials where every route says source kubernetes', async () => {
    proxy.signal('SIGKILL')
    await proxy.exited
    const file = join(directory, 'projected')
    writeFileSync(
      file,
      await emulator.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders', audience: 'urn:raw' }),
    )
    await start({ UPSTREAM_CA_FILE: join(directory, 'ca.crt') }, [
      { hosts: [hostOf('raw')], source: 'kubernetes', audience: ['urn:raw'], subjectTokenFile: file },
    ])
    expect((await get('raw')).status).to.equal(200)
    expect(String(seen.get('raw.partner.example')?.['authorization'])).to.match(/^Bearer eyJ/)
    expect(minted()).to.equal(0)
    const ready = await fetch(`http://127.0.0.1:${ports.admin}/readyz`)
    expect(ready.status).to.equal(200)
  })
})
