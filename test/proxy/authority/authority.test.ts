import { X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { openAuthority } from '../../../proxy/src/authority/authority.ts'
import type { AuthorityOptions, PodAuthority } from '../../../proxy/src/authority/authority.ts'
import { diskFiles } from '../../../proxy/src/runtime/files.ts'
import { SettingsError } from '../../../proxy/src/runtime/index.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import { createFakeClock } from '../../support/tokens/clock.ts'
import type { FakeClock } from '../../support/tokens/clock.ts'

const YEAR_MS = 365 * 24 * 60 * 60 * 1000

describe('the authority of a pod', () => {
  let directory: string
  let trust: string
  let stored: string
  let clock: FakeClock
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-authority-'))
    trust = join(directory, 'trust')
    stored = join(directory, 'authority', 'authority.pem')
    for (const path of [trust, join(directory, 'authority')]) mkdirSync(path)
    clock = createFakeClock(Date.now())
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  function open(change: Partial<AuthorityOptions> = {}): Promise<PodAuthority> {
    return openAuthority({
      hosts: [{ host: 'api.partner.example', wildcard: false }],
      trustDir: { where: 'TRUST_DIR', path: trust },
      authorityDir: { where: 'AUTHORITY_DIR', path: join(directory, 'authority') },
      extraCa: undefined,
      publicRoots: [],
      files: diskFiles,
      clock,
      ...change,
    })
  }

  async function problem(change: Partial<AuthorityOptions>): Promise<string> {
    const error: unknown = await open(change).catch((reason: unknown) => reason)
    expect(error).to.be.instanceOf(SettingsError)
    return (error as SettingsError).message.split('\n')[1]!.trim()
  }

  it('is published world-readable, and stored for nobody else with no key but the intermediate’s', async () => {
    const { fingerprint256, files, origin, notAfter } = (await open()).describe()
    expect(origin).to.equal('made')
    expect(files).to.deep.equal(['ca.crt', 'bundle.crt', 'bundle.jks'].map((name) => join(trust, name)))
    for (const file of files) expect(statSync(file).mode & 0o777, file).to.equal(0o444)
    expect(statSync(stored).mode & 0o777).to.equal(0o600)
    expect(readFileSync(stored, 'utf8').match(/BEGIN [A-Z ]+/g)).to.deep.equal([
      'BEGIN CERTIFICATE',
      'BEGIN CERTIFICATE',
      'BEGIN PRIVATE KEY',
    ])
    const anchor = new X509Certificate(readFileSync(join(trust, 'ca.crt')))
    expect(anchor.fingerprint256).to.equal(fingerprint256)
    expect(notAfter - clock.now().wallMs).to.be.greaterThan(9.9 * YEAR_MS)
    expect(readdirSync(trust)).to.have.lengthOf(3)
  })

  it('stays the same after a restart, and is published again with the same bytes when the trust volume was lost', async () => {
    const first = (await open()).describe()
    const before = first.files.map((file) => readFileSync(file, 'base64'))
    for (const file of first.files) rmSync(file)
    const second = (await open()).describe()
    expect(second).to.deep.equal({ ...first, origin: 'kept' })
    expect(second.files.map((file) => readFileSync(file, 'base64'))).to.deep.equal(before)
  })

  it('is remade when the routes have other hosts', async () => {
    const first = (await open()).describe()
    const second = (await open({ hosts: [{ host: 'partner.example', wildcard: true }] })).describe()
    expect(second.origin).to.equal('remade')
    expect(second.fingerprint256).not.to.equal(first.fingerprint256)
  })

  it('is remade when it has expired', async () => {
    await open()
    clock.shiftWall(11 * YEAR_MS)
    expect((await open()).describe().origin).to.equal('remade')
  })

  it('is remade when what is stored is cut, corrupted, or has the key of another', async () => {
    await open()
    const good = readFileSync(stored, 'utf8')
    rmSync(stored)
    await open()
    const other = readFileSync(stored, 'utf8')
    const key = good.indexOf('-----BEGIN PRIVATE')
    const broken = {
      empty: '',
      cut: good.slice(0, key + 60),
      noise: good.replaceAll('M', 'N'),
      'key of another': good.slice(0, key) + other.slice(other.indexOf('-----BEGIN PRIVATE')),
      'root of another':
        other.slice(0, other.indexOf('-----END CERTIFICATE')) + good.slice(good.indexOf('-----END CERTIFICATE')),
    }
    for (const [what, text] of Object.entries(broken)) {
      writeFileSync(stored, text)
      expect((await open()).describe().origin, what).to.equal('remade')
    }
    writeFileSync(stored, good)
    expect((await open()).describe().origin).to.equal('kept')
  })

  it('gives applications the additional anchors of a file, each once', async () => {
    const { ca } = await createTestAuthority()
    const path = join(directory, 'extra.pem')
    writeFileSync(path, `# ours\n${ca}\n${ca}\n`)
    await open({ extraCa: { where: 'EXTRA_CA_FILE', path }, publicRoots: [ca] })
    expect(readFileSync(join(trust, 'bundle.crt'), 'utf8').match(/BEGIN/g)).to.have.lengthOf(2)
  })

  it('refuses a file with additional anchors that is missing, has none, or a broken one', async () => {
    const path = join(directory, 'extra.pem')
    const extraCa = { where: 'EXTRA_CA_FILE', path }
    const start = `EXTRA_CA_FILE: got "${path}", expected a PEM file`
    expect(await problem({ extraCa })).to.contain(start)
    for (const text of ['nothing', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n']) {
      writeFileSync(path, text)
      expect(await problem({ extraCa })).to.contain(start)
    }
  })

  it('refuses a directory that is not set, is missing, or is a file, and names it', async () => {
    const file = join(directory, 'file')
    writeFileSync(file, '')
    const wrong = { '': 'needs it', [join(directory, 'gone')]: 'it does not exist', [file]: 'it is not a directory' }
    for (const [path, reason] of Object.entries(wrong))
      for (const [option, where] of [
        ['trustDir', 'TRUST_DIR'],
        ['authorityDir', 'AUTHORITY_DIR'],
      ] as const) {
        const text = await problem({ [option]: { where, path } })
        expect(text)
          .to.match(new RegExp(`^${where}: got "`))
          .and.contain(reason)
      }
  })

  it('refuses a directory that is read-only or full', async () => {
    for (const [code, reason] of [
      ['EROFS', 'it is read-only'],
      ['ENOSPC', 'it has no space left'],
    ] as const) {
      const files: AuthorityOptions['files'] = {
        read: () => undefined,
        replace: () => {
          throw Object.assign(new Error(code), { code })
        },
      }
      expect(await problem({ files }))
        .to.contain('AUTHORITY_DIR')
        .and.contain(reason)
    }
  })

  it('refuses hosts that no route intercepts', async () => {
    const authority = await open()
    await authority.certificate('api.partner.example')
    for (const host of ['other.example', 'x.api.partner.example', '127.0.0.1', '']) {
      const error: unknown = await authority.certificate(host).catch((reason: unknown) => reason)
      expect(error, host).to.include({ name: 'LeafRefusedError', reason: 'not_intercepted' })
    }
  })
})
