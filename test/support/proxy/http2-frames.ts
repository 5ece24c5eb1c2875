import type { TLSSocket } from 'node:tls'

/** RFC 9113 §6. */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const
export const END_STREAM = 1
export const END_HEADERS = 4
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** One frame, byte for byte. RFC 9113 §4.1. */
export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Fields as literals that nothing has looked at. RFC 7541 §6.2.2. */
export function literals(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]))
}

/** RFC 7541 §5.2, without Huffman; §5.1 for the length. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes])
  const rest: number[] = []
  let length = bytes.length - 127
  for (; length >= 128; length >>= 7) rest.push((length & 127) | 128)
  return Buffer.concat([Buffer.of(127, ...rest, length), bytes])
}

/** The fields of a GET, and whatever else. */
export const getFields = (authority: string, path = '/', more: readonly (readonly [string, string])[] = []): Buffer =>
  literals([[':method', 'GET'], [':scheme', 'https'], [':authority', authority], [':path', path], ...more])

/**
 * Writes the same again until the connection ends, at most as often as said, at the speed at which it is taken.
 * @returns whether it ended.
 */
export async function flood(socket: TLSSocket, chunk: (turn: number) => Buffer, turns: number): Promise<boolean> {
  socket.on('error', () => undefined)
  for (let turn = 0; turn < turns && !socket.destroyed; turn++)
    if (!socket.write(chunk(turn)))
      await Promise.race([
        new Promise((resolve) => socket.once('drain', resolve)),
        new Promise((resolve) => socket.once('close', resolve)),
        new Promise((resolve) => setTimeout(resolve, 5_000)),
      ])
  if (!socket.destroyed)
    await Promise.race([
      new Promise((resolve) => socket.once('close', resolve)),
      new Promise((resolve) => setTimeout(resolve, 5_000)),
    ])
  return socket.destroyed
}
