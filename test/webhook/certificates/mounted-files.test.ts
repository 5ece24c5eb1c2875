import { generateKeyPairSync } from 'node:crypto'
import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { SettingsError, readKeyPair } from '../../../proxy/src/runtime/index.ts'
import { mountedFiles } from '../../../webhook/src/certificates/mounted.ts'
import type { KeyPair } from '../../support/certificates.ts'
import { createTestAuthority } from '../../support/certificates.ts'

const FILES = { certFile: '/tls/tls.crt', keyFile: '/tls/tls.key' }

describe('serving certificate in files', () => {
  let pair: KeyPair
  const expires = new Date('2031-02-03T04:05:06Z')
  before(async () => {
    pair = await (await createTestAuthority()).issue(['webhook.system.svc'], { notAfter: expires })
  })

  const read =
    (files: Readonly<Record<string, string>>) =>
    (path: string): string =>
      files[path] ?? expect.fail(`no such file: ${path}`)

  it('is read with its key and its end', () => {
    const certificate = readKeyPair(mountedFiles(FILES), read({ '/tls/tls.crt': pair.cert, '/tls/tls.key': pair.key }))
    expect(certificate).to.deep.equal({ cert: pair.cert, key: pair.key, notAfter: expires.getTime() })
  })

  it('names the variable and the file that cannot be read', () => {
    const message = refusal({ '/tls/tls.crt': pair.cert })
    expect(message).to.include('TLS_KEY_FILE: got "/tls/tls.key", expected a readable PEM file')
  })

  it('names the file that is no certificate', () => {
    const message = refusal({ '/tls/tls.crt': 'no PEM', '/tls/tls.key': pair.key })
    expect(message).to.include('TLS_CERT_FILE: got "/tls/tls.crt", expected a readable PEM file')
  })

  it('never repeats a key that cannot be parsed', () => {
    const message = refusal({ '/tls/tls.crt': pair.cert, '/tls/tls.key': pair.key.replace('MI', 'XX') })
    expect(message).to.include('TLS_KEY_FILE').and.not.to.include(pair.key.slice(40, 60))
  })

  it('refuses a key that belongs to another certificate', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const other = privateKey.export({ type: 'pkcs8', format: 'pem' })
    const message = refusal({ '/tls/tls.crt': pair.cert, '/tls/tls.key': other })
    expect(message).to.include('TLS_KEY_FILE: got "/tls/tls.key", expected the key of the certificate in /tls/tls.crt')
  })

  function refusal(files: Readonly<Record<string, string>>): string {
    try {
      readKeyPair(mountedFiles(FILES), read(files))
    } catch (error) {
      if (error instanceof SettingsError) return error.message
      throw error
    }
    return expect.fail('nothing was thrown')
  }
})
