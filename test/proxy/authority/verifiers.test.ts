import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createSecureContext, createServer, rootCertificates } from 'node:tls'
import type { SecureContextOptions, Server, TlsOptions } from 'node:tls'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { openAuthority } from '../../../proxy/src/authority/authority.ts'
import type { PodAuthority } from '../../../proxy/src/authority/authority.ts'
import { diskFiles } from '../../../proxy/src/runtime/files.ts'
import { createSystemClock } from '../../../proxy/src/tokens/time.ts'
import { VERIFIERS, isInstalled, keytoolCount } from '../../support/authority/clients.ts'
import type { Store, Target } from '../../support/authority/clients.ts'
import { createThief } from '../../support/authority/thief.ts'

const GOOD = ['api.partner.example', 'x.wild.example', 'deep.x.wild.example']
/** What a stolen key signs, and nobody may believe. */
const HOSTILE = ['other.example', 'sub.api.partner.example', '127.0.0.1']

describe('what clients make of a pod’s authority', function () {
  // Go compiles its standard library the first time, which takes minutes on a busy machine.
  this.timeout(300_000)
  let directory: string
  let store: Store
  let authority: PodAuthority
  const servers: Server[] = []
  const good: Target[] = []
  const hostile: Target[] = []

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-verifiers-'))
    const [trust, kept] = [join(directory, 'trust'), join(directory, 'authority')]
    for (const path of [trust, kept]) mkdirSync(path)
    authority = await openAuthority({
      hosts: [
        { host: 'api.partner.example', wildcard: false },
        { host: 'wild.example', wildcard: true },
      ],
      trustDir: { where: 'TRUST_DIR', path: trust },
      authorityDir: { where: 'AUTHORITY_DIR', path: kept },
      extraCa: undefined,
      publicRoots: rootCertificates,
      files: diskFiles,
      clock: createSystemClock(),
    })
    const [anchor, bundle, javaBundle] = ['ca.crt', 'bundle.crt', 'bundle.jks'].map((name) => join(trust, name))
    store = { anchor: anchor!, bundle: bundle!, javaBundle: javaBundle!, work: directory }

    for (const name of GOOD) {
      const SNICallback: TlsOptions['SNICallback'] = (host, done) =>
        void authority.certificate(host).then((pair) => done(null, createSecureContext(pair)), done)
      const port = await listen({ SNICallback })
      good.push({ name, port, chain: await presented(name, port) })
    }
    const thief = await createThief(readFileSync(join(kept, 'authority.pem'), 'utf8'))
    for (const name of HOSTILE) await addHostile(name, await thief.sign(name))
    await addHostile('x.wild.example', await thief.signBySubAuthority('x.wild.example'))
  })
  after(() => {
    for (const server of servers) server.close()
    rmSync(directory, { recursive: true })
  })

  async function addHostile(name: string, pair: { cert: string; key: string }): Promise<void> {
    hostile.push({ name, port: await listen(pair), chain: pair.cert })
  }

  async function listen(options: TlsOptions & SecureContextOptions): Promise<number> {
    const server = createServer(options, (socket) => socket.on('error', () => undefined).end())
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }

  /** @returns the chain that a server sends. */
  function presented(servername: string, port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false }, () => {
        const leaf = socket.getPeerCertificate(true)
        socket.destroy()
        resolve([leaf, leaf.issuerCertificate].map(({ raw }) => toPem(raw)).join(''))
      }).on('error', reject)
    })
  }

  for (const [client, { command, verify }] of Object.entries(VERIFIERS)) {
    it(`${client}: hosts of routes are believed; nothing that a stolen key signs beyond them is`, async function () {
      if (!(await isInstalled(command))) {
        this.test!.title += ` (skipped: there is no ${command})`
        this.skip()
      }
      const answers = await verify(store, [...good, ...hostile])
      expect(answers.slice(0, good.length)).to.deep.equal(good.map(() => 'ok'))
      const refused = answers.slice(good.length)
      expect(refused).to.have.lengthOf(hostile.length)
      for (const [index, answer] of refused.entries())
        expect(answer, hostile[index]!.name).to.match(
          /constrain|permitted subtree|excluded subtree|path length|pathlen|CertPath/i,
        )
    })
  }

  it('keytool lists the public roots and the anchor in bundle.jks', async function () {
    if (!(await isInstalled('keytool'))) {
      this.test!.title += ' (skipped: there is no keytool)'
      this.skip()
    }
    expect(await keytoolCount(store.javaBundle)).to.equal(rootCertificates.length + 1)
  })
})

function toPem(der: Buffer): string {
  const lines = der
    .toString('base64')
    .replace(/(.{64})/g, '$1\n')
    .trimEnd()
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}
