import { Writable } from 'node:stream'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { writeAndDetachChunk } from '../../../../proxy/src/http/tunnel/chunk.ts'

describe('a chunk that is passed on', () => {
  const LARGE = 64 * 1024

  /** Takes its time: what is written stays in its hands until `finish`. */
  function slowWritable(): { readonly to: Writable; readonly held: Buffer[]; finish(error?: Error): void } {
    const held: Buffer[] = []
    let done: (error?: Error | null) => void = () => undefined
    const to = new Writable({
      write: (chunk: Buffer, _, callback) => {
        held.push(chunk)
        done = callback
      },
    })
    to.on('error', () => undefined)
    return { to, held, finish: (error) => done(error) }
  }

  it('keeps its bytes until it is written, and gives its memory back then', async () => {
    const { to, held, finish } = slowWritable()
    writeAndDetachChunk(to, Buffer.from(new ArrayBuffer(LARGE)).fill('x'))
    expect(held[0]?.toString()).to.equal('x'.repeat(LARGE))
    finish()
    await new Promise(setImmediate)
    expect(held[0]?.length).to.equal(0)
  })

  it('keeps its bytes while it waits behind another', async () => {
    const { to, held, finish } = slowWritable()
    writeAndDetachChunk(to, Buffer.from(new ArrayBuffer(LARGE)).fill('x'))
    writeAndDetachChunk(to, Buffer.from(new ArrayBuffer(LARGE)).fill('y'))
    finish()
    await new Promise(setImmediate)
    expect(held[1]?.toString()).to.equal('y'.repeat(LARGE))
  })

  it('gives its memory back when it cannot be written', async () => {
    const { to, held, finish } = slowWritable()
    writeAndDetachChunk(to, Buffer.from(new ArrayBuffer(LARGE)))
    finish(new Error('broken'))
    await new Promise(setImmediate)
    expect(held[0]?.length).to.equal(0)
  })

  it('stays as it is when it is a part of a larger buffer, which others may hold', async () => {
    const { to, held, finish } = slowWritable()
    const whole = Buffer.alloc(2 * LARGE, 'x')
    writeAndDetachChunk(to, whole.subarray(0, LARGE))
    finish()
    await new Promise(setImmediate)
    expect(whole.toString()).to.equal('x'.repeat(2 * LARGE))
    expect(held[0]?.length).to.equal(LARGE)
  })

  it('says whether there is room for more', () => {
    const { to } = slowWritable()
    expect(writeAndDetachChunk(to, Buffer.alloc(1))).to.equal(true)
    expect(writeAndDetachChunk(to, Buffer.from(new ArrayBuffer(LARGE)))).to.equal(false)
  })
})
