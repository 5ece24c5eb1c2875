/** What is known of the first message of a TLS client. RFC 8446 §4.1.2. */
export type ClientHello =
  /** Before there are as many bytes as needed, it is no use to look again. */
  | { readonly isWhole: false; readonly neededBytes: number }
  | { readonly isWhole: true; readonly serverName: string | undefined }

/** First byte of a ClientHello. RFC 8446 §5.1. */
export const TLS_HANDSHAKE = 0x16
const CLIENT_HELLO = 1
/** RFC 8446 §5.1: type, version, length. */
const RECORD_HEAD = 5
/** RFC 8446 §4: type, length. */
const MESSAGE_HEAD = 4
/** RFC 6066 §3, both. */
const SERVER_NAME = 0
const HOST_NAME = 0
/** Post-quantum key shares and tickets make a message of some KiB. */
const LARGEST_BYTES = 64 * 1024

const NAMELESS: ClientHello = { isWhole: true, serverName: undefined }

/**
 * Reads the server name out of what a client has sent so far, however it is cut into records. Node's TLS server cannot refuse a name with
 * an alert. SECURITY: it decides which certificate is shown; what OpenSSL reads itself is compared with it after the handshake.
 * @returns a message that is none, or is too long, as whole and without a name.
 */
export function readClientHello(bytes: Buffer): ClientHello {
  const records = bytes.length > LARGEST_BYTES ? undefined : readRecords(bytes)
  if (!records) return NAMELESS
  const { content, next } = records
  if (content.length > 0 && content[0] !== CLIENT_HELLO) return NAMELESS
  const end = content.length < MESSAGE_HEAD ? MESSAGE_HEAD : MESSAGE_HEAD + content.readUIntBE(1, 3)
  if (content.length < end) {
    const neededBytes = next + end - content.length
    return neededBytes > LARGEST_BYTES ? NAMELESS : { isWhole: false, neededBytes }
  }
  try {
    return { isWhole: true, serverName: serverNameOf(new Vector(content.subarray(MESSAGE_HEAD, end))) }
  } catch {
    // A length that lies.
    return NAMELESS
  }
}

/** @returns what is in the records, and where its next octet will be at the earliest; undefined when there is something else. */
function readRecords(bytes: Buffer): { readonly content: Buffer; readonly next: number } | undefined {
  if (bytes.length > 0 && bytes[0] !== TLS_HANDSHAKE) return undefined
  const fragments: Buffer[] = []
  let at = 0
  while (at + RECORD_HEAD <= bytes.length) {
    const length = bytes.readUInt16BE(at + 3)
    if (bytes[at] !== TLS_HANDSHAKE || length === 0) return undefined
    fragments.push(bytes.subarray(at + RECORD_HEAD, at + RECORD_HEAD + length))
    at += RECORD_HEAD + length
  }
  return { content: Buffer.concat(fragments), next: at > bytes.length ? bytes.length : at + RECORD_HEAD }
}

/**
 * @returns what tells whether a message is whole, asked for all bytes so far whenever there are more. SECURITY: a client that sends thousands
 * of small records, and then one octet at a time, must not have them all read again for each.
 */
export function createIsWholeHello(): (bytes: Buffer) => boolean {
  let neededBytes = 0
  return (bytes) => {
    if (bytes.length < neededBytes) return false
    const hello = readClientHello(bytes)
    if (!hello.isWhole) ({ neededBytes } = hello)
    return hello.isWhole
  }
}

function serverNameOf(hello: Vector): string | undefined {
  // Version and random.
  hello.take(2 + 32)
  const sessionId = 1
  const cipherSuites = 2
  const compressionMethods = 1
  for (const size of [sessionId, cipherSuites, compressionMethods]) hello.vector(size)
  if (hello.isEmpty) return undefined
  const extensions = hello.vector(2)
  while (!extensions.isEmpty) {
    const type = extensions.number(2)
    const extension = extensions.vector(2)
    if (type !== SERVER_NAME) continue
    const names = extension.vector(2)
    while (!names.isEmpty) {
      const kind = names.number(1)
      const name = names.vector(2)
      if (kind === HOST_NAME) return name.rest.toString('latin1')
    }
  }
  return undefined
}

/** Reads from the front; throws a RangeError at the end. RFC 8446 §3.4. */
class Vector {
  rest: Buffer

  constructor(bytes: Buffer) {
    this.rest = bytes
  }

  get isEmpty(): boolean {
    return this.rest.length === 0
  }

  take(length: number): Buffer {
    if (length > this.rest.length) throw new RangeError('beyond the end')
    const taken = this.rest.subarray(0, length)
    this.rest = this.rest.subarray(length)
    return taken
  }

  /** @param size octets of the number. */
  number(size: number): number {
    return this.take(size).readUIntBE(0, size)
  }

  /** @param size octets of the length in front. */
  vector(size: number): Vector {
    return new Vector(this.take(this.number(size)))
  }
}
