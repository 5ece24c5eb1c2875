// @peculiar/x509 needs the Reflect metadata API to exist before it is loaded.
import 'reflect-metadata'
import { X509Certificate, createPrivateKey, randomBytes, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { encodeConstraints } from './constraints.ts'
import type { NameConstraints } from './constraints.ts'
import { authorityValidity, isValidAt, leafValidity } from './validity.ts'
import type { Validity } from './validity.ts'

/** What signs leaves, and what clients trust. */
export interface Authority {
  /** PEM of the root, the anchor. */
  readonly root: string
  /** PEM; sent to clients behind the leaf. */
  readonly intermediate: string
  /** The intermediate's; the root's exists no more. */
  readonly signingKey: webcrypto.CryptoKey
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
/**
 * RFC 5280, Appendix A.1: at most 64 characters, so no host is in them. A space keeps verifiers from taking one for a DNS name. All pods have
 * the same; the key identifiers tell theirs apart.
 */
const SUBJECTS = {
  root: 'CN=Outbound JWT pod root',
  intermediate: 'CN=Outbound JWT pod intermediate',
  leaf: 'CN=Outbound JWT intercepted host',
} as const
const NAME_CONSTRAINTS = '2.5.29.30'
/** RFC 5280 §4.1.2.2: positive, at most 20 octets. */
const SERIAL_OCTETS = 16

/**
 * Makes a root that signs one intermediate. SECURITY: the root's key is never exported and nobody holds it once this returns, so that nothing
 * else can ever be signed under the anchor. Both have the constraints, because Java ignores those of an anchor.
 */
export async function createAuthority(constraints: NameConstraints, wallMs: number): Promise<Authority> {
  x509.cryptoProvider.set(webcrypto)
  const validity = authorityValidity(wallMs)
  const rootKeys = await generateKeys(false)
  const keys = await generateKeys(true)
  const root = await x509.X509CertificateGenerator.create({
    ...head(SUBJECTS.root, SUBJECTS.root, validity),
    publicKey: rootKeys.publicKey,
    signingKey: rootKeys.privateKey,
    extensions: await authorityExtensions(constraints, 1, rootKeys.publicKey, rootKeys.publicKey),
  })
  const intermediate = await x509.X509CertificateGenerator.create({
    ...head(SUBJECTS.intermediate, SUBJECTS.root, validity),
    publicKey: keys.publicKey,
    signingKey: rootKeys.privateKey,
    extensions: [
      ...(await authorityExtensions(constraints, 0, keys.publicKey, rootKeys.publicKey)),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    ],
  })
  return { root: pem(root), intermediate: pem(intermediate), signingKey: keys.privateKey }
}

/** Makes leaves, all with one key. */
export interface LeafIssuer {
  /** PEM of the leaves' key. */
  readonly key: string
  /** @returns the PEM of a certificate for one host, and of the intermediate: the chain as a TLS server sends it. */
  issue(host: string, wallMs: number): Promise<string>
}

/** Everything that all leaves have in common is made here, once: it is most of what a certificate costs. */
export async function createLeafIssuer({ intermediate, signingKey }: Authority): Promise<LeafIssuer> {
  const keys = await generateKeys(true)
  const extensions = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(new x509.X509Certificate(intermediate).publicKey),
  ]
  const publicKey = await x509.PublicKey.create(keys.publicKey)
  return {
    key: await exportKey(keys.privateKey),
    issue: async (host, wallMs) => {
      const leaf = await x509.X509CertificateGenerator.create({
        ...head(SUBJECTS.leaf, SUBJECTS.intermediate, leafValidity(wallMs)),
        publicKey,
        signingKey,
        extensions: [...extensions, new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }])],
      })
      return pem(leaf) + intermediate
    },
  }
}

/** @returns the one text that an authority is stored as. SECURITY: it holds the intermediate's key. */
export async function formatAuthority({ root, intermediate, signingKey }: Authority): Promise<string> {
  return root + intermediate + (await exportKey(signingKey))
}

/** @returns the authority of a stored text; undefined when it is none, is not valid now, or has other constraints than the routes want. */
export async function parseAuthorityText(
  text: string,
  constraints: NameConstraints,
  wallMs: number,
): Promise<Authority | undefined> {
  try {
    const [root, intermediate, key, ...rest] = text.match(/-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----\n/g) ?? []
    if (root === undefined || intermediate === undefined || key === undefined || rest.length > 0) return undefined
    const privateKey = createPrivateKey(key)
    const [anchor, signer] = [new X509Certificate(root), new X509Certificate(intermediate)]
    const fits =
      anchor.verify(anchor.publicKey) &&
      signer.verify(anchor.publicKey) &&
      signer.checkPrivateKey(privateKey) &&
      [root, intermediate].every((certificate) => hasConstraints(certificate, constraints, wallMs))
    if (!fits) return undefined
    const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
    x509.cryptoProvider.set(webcrypto)
    const signingKey = await webcrypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8), ALGORITHM, true, ['sign'])
    return { root, intermediate, signingKey }
  } catch {
    // SECURITY: the cause is left out; an error about a key may quote it.
    return undefined
  }
}

function hasConstraints(certificate: string, constraints: NameConstraints, wallMs: number): boolean {
  const parsed = new x509.X509Certificate(certificate)
  const extension = parsed.getExtension(NAME_CONSTRAINTS)
  return (
    isValidAt({ notBefore: parsed.notBefore.getTime(), notAfter: parsed.notAfter.getTime() }, wallMs) &&
    extension?.critical === true &&
    encodeConstraints(constraints).equals(Buffer.from(extension.value))
  )
}

function head(
  subject: string,
  issuer: string,
  { notBefore, notAfter }: Validity,
): Pick<
  x509.X509CertificateCreateParams,
  'subject' | 'issuer' | 'serialNumber' | 'signingAlgorithm' | 'notBefore' | 'notAfter'
> {
  return {
    subject,
    issuer,
    serialNumber: `01${randomBytes(SERIAL_OCTETS - 1).toString('hex')}`,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
  }
}

async function authorityExtensions(
  constraints: NameConstraints,
  pathLength: number,
  subjectKey: webcrypto.CryptoKey,
  issuerKey: webcrypto.CryptoKey,
): Promise<x509.Extension[]> {
  return [
    new x509.BasicConstraintsExtension(true, pathLength, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    new x509.Extension(NAME_CONSTRAINTS, true, new Uint8Array(encodeConstraints(constraints))),
    await x509.SubjectKeyIdentifierExtension.create(subjectKey),
    await x509.AuthorityKeyIdentifierExtension.create(issuerKey),
  ]
}

function generateKeys(extractable: boolean): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, extractable, ['sign', 'verify'])
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}
