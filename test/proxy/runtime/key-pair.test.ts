import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { SettingsError, readKeyPair } from '../../../proxy/src/runtime/index.ts'
import { createTestAuthority, createWeakPair } from '../../support/certificates.ts'
import type { KeyPair } from '../../support/certificates.ts'
import { NODE_MAJOR } from '../../support/node.ts'

const FILES = { cert: { where: 'TLS_CERT', path: '/tls.crt' }, key: { where: 'TLS_KEY', path: '/tls.key' } }

describe('a certificate and its key', () => {
  const notAfter = new Date(Math.floor(Date.now() / 1000) * 1000 + 60_000)
  let pair: KeyPair
  let other: KeyPair
  before(async () => {
    const authority = await createTestAuthority()
    pair = await authority.issue(['a.example'], { notAfter })
    other = await authority.issue(['a.example'])
  })

  const read = (cert: string, key: string): ReturnType<typeof readKeyPair> =>
    readKeyPair(FILES, (path) => (path === '/tls.crt' ? cert : key))
  const problem = (cert: string, key: string): string => {
    try {
      read(cert, key)
    } catch (error) {
      expect(error).to.be.instanceOf(SettingsError)
      return (error as SettingsError).message.split('\n')[1]?.trim() ?? ''
    }
    return expect.fail('it was read')
  }

  it('are read as PEM, with the end of the certificate', () => {
    expect(read(pair.cert, pair.key)).to.deep.equal({ ...pair, notAfter: notAfter.getTime() })
  })

  it('are refused by setting and file when one is no PEM', () => {
    expect(problem('nonsense', pair.key)).to.equal('TLS_CERT: got "/tls.crt", expected a readable PEM file')
    expect(problem(pair.cert, 'nonsense')).to.equal('TLS_KEY: got "/tls.key", expected a readable PEM file')
  })

  it('are refused when one cannot be read', () => {
    const gone = (): string => {
      throw new Error('ENOENT')
    }
    expect(() => readKeyPair(FILES, gone)).to.throw(SettingsError, 'TLS_CERT')
  })

  it('are refused when they do not belong together, without a word of the key', () => {
    const text = problem(pair.cert, other.key)
    expect(text).to.equal('TLS_KEY: got "/tls.key", expected the key of the certificate in /tls.crt')
  })

  it('are refused when OpenSSL would not serve them', async function () {
    // Node 22 keeps OpenSSL at a security level that serves them.
    if (NODE_MAJOR < 24) this.skip()
    const weak = await createWeakPair()
    expect(problem(weak.cert, weak.key)).to.equal(
      'TLS_CERT: got "/tls.crt", expected a certificate that OpenSSL takes (ERR_SSL_EE_KEY_TOO_SMALL)',
    )
  })
})
