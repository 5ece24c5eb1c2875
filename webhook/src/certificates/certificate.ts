// @peculiar/x509 needs the Reflect metadata API to exist before it is loaded.
import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'

/** The subject of every certificate of ours; how an anchor of ours is told from somebody else's. */
export const SUBJECT = 'CN=aws-outbound-jwt-injector'

/** A clock in the wrong time zone is off by 14 hours at most; a certificate made by one must still be valid elsewhere. */
const BACKDATED_MS = 24 * 60 * 60 * 1000
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
/** RFC 5280 §4.1.2.2: positive, at most 20 octets. */
const SERIAL_OCTETS = 16

export interface CertificateOptions {
  /** DNS names and IP addresses that the API server calls. */
  readonly hosts: readonly string[]
  readonly lifetimeMs: number
  /** Wall clock, milliseconds. */
  readonly now: number
}

/**
 * Makes a P-256 key and a certificate that is its own trust anchor: the verifier finds the very certificate among its roots, so no
 * authority and no second key exist. SECURITY: `CA:FALSE` and no keyCertSign; whoever steals the key cannot issue for another name.
 * @returns both as PEM.
 */
export async function mintCertificate({
  hosts,
  lifetimeMs,
  now,
}: CertificateOptions): Promise<{ cert: string; key: string }> {
  x509.cryptoProvider.set(webcrypto)
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: `01${randomBytes(SERIAL_OCTETS - 1).toString('hex')}`,
    name: SUBJECT,
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(now + lifetimeMs),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(hosts.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
      // All of ours have one subject; OpenSSL tells them apart by these two. Go compares whole certificates.
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { cert: `${certificate.toString('pem')}\n`, key: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n` }
}
