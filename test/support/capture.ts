import { Writable } from 'node:stream'

/** A stream that remembers what was written to it, at once. */
export interface Capture {
  readonly stream: NodeJS.WritableStream
  text(): string
}

export function captureStream(): Capture {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk.toString())
      done()
    },
  })
  return { stream, text: () => chunks.join('') }
}
