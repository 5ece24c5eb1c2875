// A client certificate is for its partner alone: everybody else who is called here asks for one as well.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { Report } from '../../proxy/src/doctor/report.ts'
import { createEmulator } from '../aws-emulator/src/index.ts'
import type { Emulator } from '../aws-emulator/src/index.ts'
import { createTestAuthority } from '../support/certificates.ts'
import type { TestAuthority } from '../support/certificates.ts'
import { MISSING_PROXIES, startSquid } from '../support/egress/proxies.ts'
import type { RunningEgressProxy } from '../support/egress/proxies.ts'
import { freePort } from '../support/port.ts'
import type { RunningProcess } from '../support/process.ts'
import { call } from '../support/proxy/client.ts'
import { startFront } from '../support/proxy/front.ts'
import type { Front } from '../support/proxy/front.ts'
import { ask, secureHttp2 } from '../support/proxy/http2-client.ts'
import { HAS_NGINX, startNginx } from '../support/proxy/nginx.ts'
import type { Nginx } from '../support/proxy/nginx.ts'
import { portsOf, startProxyProcess } from '../support/proxy/process.ts'
import { startUpstream } from '../support/proxy/upstream.ts'
import type { Upstream } from '../support/proxy/upstream.ts'

const ROLE = 'arn:aws:iam::123456789012:role/orders'
/** Of the certificate. */
const CLIENT = 'client-of-orders'
const PARTNER = 'api.partner.example'
/** The same server; its token comes from AWS itself. */
const OTHER = 'other.partner.example'
const TOKENS = 'as.example'
/** STS, and the documents of its issuer. */
const AWS = 'aws.example'

const MISSING = [...MISSING_PROXIES, ...(HAS_NGINX ? [] : ['nginx'])]

for (const scheme of ['http', 'https'] as const)
  describe(`a client certificate beside an ${scheme}:// egress proxy${MISSING.length > 0 ? ` (${MISSING.join(', ')} not installed)` : ''}`, () => {
    let directory: string
    let authority: TestAuthority
    let emulator: Emulator
    let nginx: Nginx
    let endpoint: Upstream
    let squid: RunningEgressProxy
    let fronts: { readonly aws: Front; readonly tokens: Front; readonly proxy: Front }
    let proxy: RunningProcess
    let ports: { readonly proxy: number; readonly control: number }

    beforeEach(async function () {
      if (MISSING.length > 0) this.skip()
      directory = mkdtempSync(join(tmpdir(), 'client-egress-'))
      for (const name of ['trust', 'authority', 'client']) mkdirSync(join(directory, name))
      authority = await createTestAuthority()
      const clients = await createTestAuthority('clients')
      const pair = await clients.issue([CLIENT])
      write('client/tls.crt', pair.cert)
      write('client/tls.key', pair.key)
      nginx = await startNginx({
        ...(await authority.issue([PARTNER, OTHER])),
        clientCa: clients.ca,
        verify: 'optional',
      })
      endpoint = await startUpstream((_, reply) => {
        reply.setHeader('content-type', 'application/json')
        reply.end('{"access_token":"exchanged","token_type":"Bearer","expires_in":300}')
      })
      squid = await startSquid({ names: [PARTNER, OTHER, TOKENS, AWS] })
      const port = await freePort()
      const aws = await startFront(port, await authority.issue([AWS]))
      fronts = {
        aws,
        tokens: await startFront(endpoint.port, await authority.issue([TOKENS])),
        proxy: await startFront(squid.port, scheme === 'https' ? await authority.issue(['127.0.0.1']) : undefined),
      }
      emulator = await createEmulator({
        region: 'eu-central-1',
        accountId: '123456789012',
        roles: [{ arn: ROLE }],
        port,
        baseUrl: `https://${AWS}:${aws.port}`,
      })
      await start()
    })
    afterEach(async () => {
      if (MISSING.length > 0) return
      proxy.signal('SIGKILL')
      await proxy.exited
      await Promise.all([nginx, endpoint, emulator, squid, ...Object.values(fronts)].map((one) => one.close()))
      rmSync(directory, { recursive: true })
    })

    const write = (name: string, text: string): string => {
      writeFileSync(join(directory, name), text)
      return join(directory, name)
    }

    async function start(): Promise<void> {
      const ca = write('ca.crt', authority.ca)
      const exchange = {
        type: 'oauth2',
        grant: 'token-exchange',
        tokenUrl: `https://${TOKENS}:${fronts.tokens.port}/token`,
        caFile: ca,
      }
      const routes = [
        {
          hosts: [`${PARTNER}:${nginx.port}`],
          audience: ['https://as.example'],
          https: 'intercept',
          clientCertificateDir: join(directory, 'client'),
          exchange,
        },
        { hosts: [`${OTHER}:${nginx.port}`] },
      ]
      const token = await emulator.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders' })
      proxy = startProxyProcess({
        ROUTES: JSON.stringify(routes),
        UPSTREAM_CA_FILE: ca,
        NODE_EXTRA_CA_CERTS: ca,
        TRUST_DIR: join(directory, 'trust'),
        AUTHORITY_DIR: join(directory, 'authority'),
        EGRESS_PROXY: `${scheme}://127.0.0.1:${fronts.proxy.port}`,
        AWS_REGION: 'eu-central-1',
        AWS_ENDPOINT_URL_STS: emulator.stsUrl,
        AWS_ROLE_ARN: ROLE,
        AWS_WEB_IDENTITY_TOKEN_FILE: write('token', token),
      })
      ports = await portsOf(proxy)
    }

    const send = async (host: string): Promise<string> => {
      const { body } = await call(ports.proxy, `http://${host}:${nginx.port}/`)
      return body
    }
    const sendHttp2 = async (host: string): Promise<string> => {
      const anchor = readFileSync(join(directory, 'trust/ca.crt'), 'utf8')
      const session = await secureHttp2(ports.proxy, `${host}:${nginx.port}`, anchor)
      const { body } = await ask(session, { ':path': '/', ':authority': `${host}:${nginx.port}` })
      session.destroy()
      return body
    }

    it('reaches the partner through it, over HTTP/1.1 and HTTP/2', async () => {
      expect(await send(PARTNER), proxy.output()).to.equal(`SUCCESS CN=${CLIENT} HTTP/1.1`)
      expect(await sendHttp2(PARTNER)).to.equal(`SUCCESS CN=${CLIENT} HTTP/2.0`)
      expect(fronts.proxy.sent().includes(`CONNECT ${PARTNER}:${nginx.port}`)).to.equal(true)
    })

    it('is shown neither to it, nor to STS, token endpoint, issuer or another partner, whoever asks', async () => {
      await send(PARTNER)
      expect(await send(OTHER), proxy.output()).to.equal('NONE  HTTP/1.1')
      const report = (await (await fetch(`http://127.0.0.1:${ports.control}/doctor`)).json()) as Report
      const verdicts = new Map(report.findings.map(({ id, verdict }) => [id, verdict]))
      expect(verdicts.get('jwks'), 'documents of the issuer').to.equal('pass')
      for (const [name, { shown }] of Object.entries(fronts)) {
        expect(shown, name).not.to.be.empty
        expect(new Set(shown), name).to.deep.equal(new Set(['']))
      }
      // With TLS 1.3 nobody on the way can read it either.
      expect(fronts.proxy.sent().includes(CLIENT)).to.equal(false)
    })
  })
