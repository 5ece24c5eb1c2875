import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { afterEach, before, beforeEach, describe, it } from 'mocha'
import { createLogger, followKeyPair, openKeyPair } from '../../../proxy/src/runtime/index.ts'
import type { FollowedKeyPair } from '../../../proxy/src/runtime/index.ts'
import { captureStream } from '../../support/capture.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import type { KeyPair } from '../../support/certificates.ts'
import { until } from '../../support/until.ts'

const read = (path: string): string => readFileSync(path, 'utf8')

describe('a certificate that is followed', () => {
  let first: KeyPair
  let second: KeyPair
  let later: KeyPair
  let directory: string
  let stop: (() => void) | undefined
  before(async () => {
    const authority = await createTestAuthority()
    first = await authority.issue(['first.example'])
    second = await authority.issue(['second.example'])
    later = await authority.issue(['first.example'], { notAfter: new Date(Date.now() + 9 * 86_400_000) })
  })
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-tls-'))
    mount('one', first)
  })
  afterEach(() => {
    stop?.()
    rmSync(directory, { recursive: true })
  })

  /** As a kubelet replaces a Secret's files: a new directory, then one rename of the symlink all of them go through. */
  function mount(version: string, { cert, key }: KeyPair): void {
    mkdirSync(join(directory, version))
    writeFileSync(join(directory, version, 'tls.crt'), cert)
    writeFileSync(join(directory, version, 'tls.key'), key)
    symlinkSync(version, join(directory, '..data_tmp'))
    renameSync(join(directory, '..data_tmp'), join(directory, '..data'))
  }

  const file = (name: string): string => join(directory, '..data', name)

  function follow(now = Date.now()): { installed: string[]; followed: FollowedKeyPair; log: () => string } {
    const files = {
      cert: { where: 'TLS_CERT', path: file('tls.crt') },
      key: { where: 'TLS_KEY', path: file('tls.key') },
    }
    const followed = openKeyPair(files, read)
    expect(followed.pair.cert).to.equal(first.cert)
    const installed: string[] = []
    const capture = captureStream()
    stop = followKeyPair(followed, {
      read,
      install: ({ cert }) => installed.push(cert),
      pollMs: 2,
      now: () => now,
      log: createLogger({ level: 'info', format: 'json', stream: capture.stream }),
    })
    return { installed, followed, log: () => capture.text() }
  }

  it('is replaced once when a Secret changes', async () => {
    const { installed, log } = follow()
    mount('two', second)
    await until('the second certificate', () => log().includes('certificate in use'))
    expect(installed).to.deep.equal([second.cert])
  })

  it('stays while the files cannot be used, which is said once, and follows again afterwards', async () => {
    const { installed, followed, log } = follow()
    mount('bad', { cert: second.cert, key: first.key })
    await until('a warning', () => log().includes('not replaced'))
    mount('worse', { cert: 'nonsense', key: second.key })
    await until('another warning', () => log().includes('readable PEM'))
    expect(installed).to.deep.equal([])
    expect(log().match(/not replaced/g)).to.have.lengthOf(2)
    expect(log()).not.to.contain('PRIVATE')
    expect(followed.problem).to.match(
      /^the certificate before stays in use: TLS_CERT: got .* expected a readable PEM file$/,
    )
    mount('good', second)
    await until('the good certificate', () => installed.length > 0)
    expect(installed).to.deep.equal([second.cert])
    expect([followed.pair.cert, followed.problem]).to.deep.equal([second.cert, undefined])
  })

  it('is said to have expired, once, and no more when it is renewed', async () => {
    const { installed, followed, log } = follow(Date.now() + 2 * 86_400_000)
    expect(followed.problem).to.match(/tls\.crt expired on \d{4}-/)
    mount('two', later)
    await until('the second certificate', () => installed.length > 0)
    expect(followed.problem).to.equal(undefined)
    expect(log().match(/has expired/g)).to.have.lengthOf(1)
  })
})
