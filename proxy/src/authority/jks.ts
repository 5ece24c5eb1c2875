import { createHash } from 'node:crypto'

const MAGIC = 0xfeedfeed
const VERSION = 2
const TRUSTED_CERTIFICATE = 2

/** A trusted certificate of a key store. */
export interface JksEntry {
  /** Unique in its store; at most 65,535 octets. */
  readonly alias: string
  readonly der: Uint8Array
}

/**
 * Writes a Java key store that holds trusted certificates alone, in the format that every JDK reads. Source of the format:
 * OpenJDK, sun.security.provider.JavaKeyStore, `engineStore`. The npm packages for it only read.
 * @param createdMs creation date of every entry; an argument, so that the same certificates give the same file.
 */
export function encodeJks(entries: readonly JksEntry[], password: string, createdMs: number): Buffer {
  const content = Buffer.concat([
    uint32(MAGIC),
    uint32(VERSION),
    uint32(entries.length),
    ...entries.flatMap(({ alias, der }) => [
      uint32(TRUSTED_CERTIFICATE),
      utf(alias),
      uint64(createdMs),
      utf('X.509'),
      uint32(der.length),
      der,
    ]),
  ])
  // Not a secret: the password is public, the digest tells Java that the file is whole.
  const digest = createHash('sha1').update(utf16BigEndian(password)).update('Mighty Aphrodite').update(content).digest()
  return Buffer.concat([content, digest])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

/** What DataOutputStream.writeUTF writes for ASCII: the length in two octets, then the text. */
function utf(text: string): Buffer {
  const bytes = Buffer.from(text, 'ascii')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

function utf16BigEndian(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16()
}
