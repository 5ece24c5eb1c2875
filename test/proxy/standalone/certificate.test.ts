import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { readListenerCertificate } from '../../../proxy/src/standalone/certificate.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import type { KeyPair } from '../../support/certificates.ts'

describe('the certificate of the listener', () => {
  let pair: KeyPair
  before(async () => {
    pair = await (await createTestAuthority()).issue(['first.example'])
  })
  const read = (path: string): string => (path === '/tls.crt' ? pair.cert : pair.key)

  it('is none when no files are named', () => {
    expect(readListenerCertificate({ tlsCert: undefined, tlsKey: undefined }, read)).to.equal(undefined)
  })

  it('is in the files that are', () => {
    const followed = readListenerCertificate({ tlsCert: '/tls.crt', tlsKey: '/tls.key' }, read)
    expect([followed?.pair.cert, followed?.files.key.where]).to.deep.equal([pair.cert, 'TLS_KEY'])
  })
})
