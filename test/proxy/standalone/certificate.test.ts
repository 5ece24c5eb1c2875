import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { afterEach, before, beforeEach, describe, it } from 'mocha'
import { createLogger } from '../../../proxy/src/runtime/index.ts'
import { followCertificate, readListenerCertificate } from '../../../proxy/src/standalone/certificate.ts'
import { captureStream } from '../../support/capture.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import type { KeyPair } from '../../support/certificates.ts'
import { until } from '../../support/until.ts'

const read = (path: string): string => readFileSync(path, 'utf8')

describe('the certificate of the listener', () => {
  let first: KeyPair
  let second: KeyPair
  let directory: string
  let stop: (() => void) | undefined
  before(async () => {
    const authority = await createTestAuthority()
    first = await authority.issue(['first.example'])
    second = await authority.issue(['second.example'])
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

  function follow(): { installed: string[]; log: () => string } {
    const certificate = readListenerCertificate(
      { tlsCert: join(directory, '..data/tls.crt'), tlsKey: join(directory, '..data/tls.key') },
      read,
    )
    if (!certificate) return expect.fail('there are files')
    expect(certificate.pair.cert).to.equal(first.cert)
    const installed: string[] = []
    const capture = captureStream()
    stop = followCertificate(certificate, {
      read,
      install: ({ cert }) => installed.push(cert),
      pollMs: 2,
      log: createLogger({ level: 'info', format: 'json', stream: capture.stream }),
    })
    return { installed, log: () => capture.text() }
  }

  it('is none when no files are named', () => {
    expect(readListenerCertificate({ tlsCert: undefined, tlsKey: undefined }, read)).to.equal(undefined)
  })

  it('is replaced once when a Secret changes', async () => {
    const { installed, log } = follow()
    mount('two', second)
    await until('the second certificate', () => log().includes('certificate in use'))
    expect(installed).to.deep.equal([second.cert])
  })

  it('stays while the files cannot be used, which is said once, and follows again afterwards', async () => {
    const { installed, log } = follow()
    mount('bad', { cert: second.cert, key: first.key })
    await until('a warning', () => log().includes('not replaced'))
    mount('worse', { cert: 'nonsense', key: second.key })
    await until('another warning', () => log().includes('readable PEM'))
    expect(installed).to.deep.equal([])
    expect(log().match(/not replaced/g)).to.have.lengthOf(2)
    expect(log()).not.to.contain('PRIVATE')
    mount('good', second)
    await until('the good certificate', () => installed.length > 0)
    expect(installed).to.deep.equal([second.cert])
  })
})
