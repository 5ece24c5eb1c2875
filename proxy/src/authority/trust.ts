import { X509Certificate } from 'node:crypto'
import { JKS_PASSWORD, TRUST_FILES } from '../contract.ts'
import type { Files, NamedFile } from '../runtime/index.ts'
import { SettingsError, errorCode } from '../runtime/index.ts'
import { encodeJks } from './jks.ts'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** PEM certificates, one each. */
export interface Anchors {
  readonly publicRoots: readonly string[]
  readonly extra: readonly string[]
  readonly anchor: string
}

/** @returns the content of every file of the trust directory: the same for the same anchors. @param createdMs the anchor's age for Java. */
export function trustFiles(
  { publicRoots, extra, anchor }: Anchors,
  createdMs: number,
): ReadonlyMap<string, string | Buffer> {
  const all = new Map([...publicRoots, ...extra, anchor].map((pem) => [decode(pem).toString('base64'), pem.trim()]))
  const entries = [...all.keys()].map((der, index) => ({ alias: `anchor-${index}`, der: Buffer.from(der, 'base64') }))
  return new Map<string, string | Buffer>([
    [TRUST_FILES.anchor, anchor],
    [TRUST_FILES.bundle, `${[...all.values()].join('\n')}\n`],
    [TRUST_FILES.javaBundle, encodeJks(entries, JKS_PASSWORD, createdMs)],
  ])
}

/**
 * Reads the PEM certificates of a file; what stands between them is left out.
 * @throws SettingsError when it cannot be read, holds none, or one does not parse.
 */
export function readExtraCa({ where, path }: NamedFile, files: Pick<Files, 'read'>): readonly string[] {
  const fail = (reason: string): never => {
    throw new SettingsError([
      { where, value: path, allowed: `a PEM file with at least one certificate and none that is broken (${reason})` },
    ])
  }
  try {
    const certificates = files.read(path)?.match(CERTIFICATE)
    if (!certificates) return fail('it has none')
    for (const pem of certificates) new X509Certificate(pem)
    return certificates
  } catch (error) {
    if (error instanceof SettingsError) throw error
    return fail(errorCode(error) ?? 'unreadable')
  }
}

function decode(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64')
}
