import { createPrivateKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { Anchor, Candidate } from './rotation.ts'

/** An anchor with the text that `caBundle` gets. */
export interface PublishedAnchor extends Anchor {
  /** PEM, in the one spelling that every replica writes. */
  readonly cert: string
  readonly subject: string
}

/** A certificate of ours with its key. */
export interface Certificate extends Candidate, PublishedAnchor {
  readonly key: string
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g

/** @returns the anchors in a PEM bundle; whatever else is in it is left out. */
export function parseBundle(pem: string): readonly PublishedAnchor[] {
  return (pem.match(PEM_CERTIFICATE) ?? []).flatMap((text) => {
    const parsed = attempt(() => new X509Certificate(text))
    return parsed ? [toAnchor(parsed)] : []
  })
}

/** @returns a certificate with its key; undefined when either is no PEM or they do not belong together. */
export function parseCertificate(cert: string, key: string, hosts: readonly string[]): Certificate | undefined {
  const parsed = attempt(() => new X509Certificate(cert))
  // SECURITY: the error is dropped; one about a key may quote it.
  const parsedKey = attempt(() => createPrivateKey(key))
  if (!parsed || !parsedKey || !parsed.checkPrivateKey(parsedKey)) return undefined
  const names = (host: string): boolean => (isIP(host) ? parsed.checkIP(host) : parsed.checkHost(host)) !== undefined
  return { ...toAnchor(parsed), key, fits: hosts.every(names) }
}

function toAnchor(certificate: X509Certificate): PublishedAnchor {
  return {
    id: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
    cert: certificate.toString(),
    subject: certificate.subject,
  }
}

function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}
