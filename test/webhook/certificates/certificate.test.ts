// @peculiar/x509 needs the Reflect metadata API to exist before it is loaded.
import 'reflect-metadata'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import * as x509 from '@peculiar/x509'
import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { parseBundle, parseCertificate } from '../../../webhook/src/certificates/anchors.ts'
import { SUBJECT, mintCertificate } from '../../../webhook/src/certificates/certificate.ts'
import { postJson } from '../../support/https.ts'

const HOUR = 60 * 60 * 1000
const HOSTS = ['webhook.system.svc', '127.0.0.1', '::1']

describe('certificate that is its own anchor', () => {
  const now = Math.floor(Date.now() / 1000) * 1000
  let made: { cert: string; key: string }
  let certificate: X509Certificate
  before(async () => {
    made = await mintCertificate({ hosts: HOSTS, lifetimeMs: 90 * 24 * HOUR, now })
    certificate = new X509Certificate(made.cert)
  })

  it('is a P-256 leaf, signed by itself, that cannot sign others', () => {
    expect(certificate.publicKey.asymmetricKeyDetails).to.deep.equal({ namedCurve: 'prime256v1' })
    expect(certificate.verify(certificate.publicKey)).to.equal(true)
    expect(certificate.ca).to.equal(false)
    // OpenSSL's word above rests on the key usage as well.
    expect(new x509.X509Certificate(made.cert).getExtension(x509.BasicConstraintsExtension)?.ca).to.equal(false)
    expect(certificate.subject).to.equal(SUBJECT)
    expect(certificate.keyUsage).to.deep.equal(['1.3.6.1.5.5.7.3.1'])
  })

  it('names the hosts and no other', () => {
    expect(certificate.checkHost('webhook.system.svc')).to.equal('webhook.system.svc')
    expect(certificate.checkIP('127.0.0.1')).to.equal('127.0.0.1')
    expect(certificate.checkIP('::1')).to.equal('::1')
    expect(certificate.checkHost('aws-outbound-jwt-injector')).to.equal(undefined)
  })

  it('began a day ago, for clocks that are behind', () => {
    expect(certificate.validFromDate.getTime()).to.equal(now - 24 * HOUR)
    expect(certificate.validToDate.getTime()).to.equal(now + 90 * 24 * HOUR)
  })

  it('has a positive serial number of its own', async () => {
    const other = await mintCertificate({ hosts: HOSTS, lifetimeMs: HOUR, now })
    expect(certificate.serialNumber).to.match(/^01[0-9A-F]{30}$/)
    expect(new X509Certificate(other.cert).serialNumber).not.to.equal(certificate.serialNumber)
  })

  it('is trusted by who trusts it, among others of the same name', async () => {
    const other = await mintCertificate({ hosts: HOSTS, lifetimeMs: HOUR, now })
    const server = createServer(made, (_request, response) => response.end('ok')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
    try {
      expect(await postJson(url, '', other.cert + made.cert)).to.include({ body: 'ok' })
      expect(await postJson(url, '', made.cert + other.cert)).to.include({ body: 'ok' })
      expect(await postJson(url, '', other.cert).catch(String)).to.match(/certificate/)
    } finally {
      server.closeAllConnections()
      await server[Symbol.asyncDispose]()
    }
  })

  it('is read back as the same text, so that nothing is written twice', () => {
    const parsed = parseCertificate(made.cert, made.key, HOSTS)
    expect(parsed).to.include({ cert: made.cert, key: made.key, fits: true, subject: SUBJECT })
    expect(parsed?.id).to.match(/^[0-9a-f]{64}$/)
    expect(parseCertificate(made.cert, made.key, [...HOSTS, 'other.system.svc'])).to.include({ fits: false })
    expect(parseCertificate(made.cert, made.key, ['10.0.0.1'])).to.include({ fits: false })
  })

  it('is found in a bundle, beside whatever else is there', () => {
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
    expect(parseBundle(`# comment\n${broken}${made.cert}`).map(({ cert }) => cert)).to.deep.equal([made.cert])
    expect(parseBundle('')).to.deep.equal([])
  })
})
