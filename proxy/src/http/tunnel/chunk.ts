import type { Writable } from 'node:stream'

/** Below it, giving back costs more than it saves. The records of TLS are 16 KiB, reads of a socket up to 64. */
const WORTH_BYTES = 8 * 1024

/** Writes a chunk that nobody reads again. @returns whether there is room for more, as `write` does. */
export type WriteChunk = (to: Writable, chunk: Buffer) => boolean

/** Leaves the memory of a chunk to the garbage collector. */
export const writeChunk: WriteChunk = (to, chunk) => to.write(chunk)

/**
 * Writes a chunk that nobody reads again, and gives its memory back once it is written.
 * Left to the garbage collector, which counts memory outside its heap roughly, passing bytes costs twice the CPU and 70 MB (docs/performance.md).
 */
export const writeAndDetachChunk: WriteChunk = (to, chunk) => {
  return chunk.length < WORTH_BYTES ? to.write(chunk) : to.write(chunk, () => giveBack(chunk))
}

/** SECURITY: only once it is written: the memory is somebody else's from then on. */
function giveBack({ buffer, byteLength }: Buffer): void {
  // Of a larger buffer, others may hold parts.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
