import type { Certificate } from './anchors.ts'
import { parseCertificate } from './anchors.ts'

/** Entries of a Secret, decoded. */
export type SecretData = Readonly<Record<string, string>>

/** Changes to a Secret's entries; null removes one. */
export type SecretChanges = Readonly<Record<string, string | null>>

export interface Store {
  readonly certificates: readonly Certificate[]
  /** Names of entries that make no certificate with its key. */
  readonly broken: readonly string[]
}

/** Enough of the fingerprint to tell entries apart, short enough to read. */
const NAME_CHARACTERS = 32

const names = ({ id }: Certificate): readonly [cert: string, key: string] => {
  const stem = id.slice(0, NAME_CHARACTERS)
  return [`${stem}.crt`, `${stem}.key`]
}

/** Reads the pairs `<name>.crt`, `<name>.key` of the Secret. */
export function readStore(data: SecretData, hosts: readonly string[]): Store {
  const certificates: Certificate[] = []
  const good = new Set<string>()
  for (const [name, cert] of Object.entries(data).filter(([entry]) => entry.endsWith('.crt'))) {
    const certificate = parseCertificate(cert, data[name.replace(/crt$/, 'key')] ?? '', hosts)
    const [certName, keyName] = certificate ? names(certificate) : []
    if (!certificate || certName !== name || keyName === undefined) continue
    certificates.push(certificate)
    good.add(certName).add(keyName)
  }
  return { certificates, broken: Object.keys(data).filter((name) => !good.has(name)) }
}

/** @returns what changes a Secret into one that holds exactly these certificates; empty when it does already. */
export function storeChanges(data: SecretData, certificates: readonly Certificate[]): SecretChanges {
  const wanted = new Map(
    certificates.flatMap((certificate) => {
      const [certName, keyName] = names(certificate)
      return [
        [certName, certificate.cert],
        [keyName, certificate.key],
      ] as const
    }),
  )
  const removed = Object.keys(data).filter((name) => !wanted.has(name))
  const changed = [...wanted].filter(([name, text]) => data[name] !== text)
  return Object.fromEntries([...removed.map((name) => [name, null] as const), ...changed])
}
