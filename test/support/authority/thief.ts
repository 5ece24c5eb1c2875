// @peculiar/x509 needs the Reflect metadata API to exist before it is loaded.
import 'reflect-metadata'
import { createPrivateKey, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'
import type { KeyPair } from '../certificates.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 24 * 60 * 60 * 1000

/** Somebody who stole what a pod's authority stores, and signs whatever they like with it. */
export interface Thief {
  /** @returns a leaf for any DNS name or IP address, with its chain. */
  sign(name: string): Promise<KeyPair>
  /** @returns the same, signed by an authority that the stolen key signed. */
  signBySubAuthority(name: string): Promise<KeyPair>
}

/** @param stored content of the file in the authority directory. */
export async function createThief(stored: string): Promise<Thief> {
  x509.cryptoProvider.set(webcrypto)
  const pems = stored.match(/-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----\n/g)!
  const intermediate = new x509.X509Certificate(pems[1]!)
  const pkcs8 = createPrivateKey(pems[2]!).export({ type: 'pkcs8', format: 'der' })
  const stolen = await webcrypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8), ALGORITHM, true, ['sign'])
  const issuer = { certificate: intermediate, key: stolen, chain: pems[1]! }
  return {
    sign: (name) => leaf(issuer, name),
    signBySubAuthority: async (name) => {
      const keys = await generate()
      const certificate = await certify(issuer, 'CN=Sub authority', keys.publicKey, [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      ])
      return leaf({ certificate, key: keys.privateKey, chain: `${certificate.toString('pem')}\n${issuer.chain}` }, name)
    },
  }
}

interface Issuer {
  readonly certificate: x509.X509Certificate
  readonly key: webcrypto.CryptoKey
  readonly chain: string
}

async function leaf(issuer: Issuer, name: string): Promise<KeyPair> {
  const keys = await generate()
  const certificate = await certify(issuer, 'CN=A stolen key', keys.publicKey, [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension([{ type: isIP(name) ? 'ip' : 'dns', value: name }]),
  ])
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    cert: `${certificate.toString('pem')}\n${issuer.chain}`,
    key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
  }
}

async function certify(
  { certificate, key }: Issuer,
  subject: string,
  publicKey: webcrypto.CryptoKey,
  extensions: x509.Extension[],
): Promise<x509.X509Certificate> {
  return x509.X509CertificateGenerator.create({
    subject,
    issuer: certificate.subject,
    publicKey,
    signingKey: key,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() - DAY_MS / 24),
    notAfter: new Date(Date.now() + DAY_MS),
    extensions: [
      ...extensions,
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(certificate.publicKey),
    ],
  })
}

function generate(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}
