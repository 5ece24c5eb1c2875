import { Readable } from 'node:stream'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readText } from '../../../proxy/src/runtime/index.ts'

const streamOf = (...chunks: readonly Uint8Array[]): Readable => Readable.from(chunks, { objectMode: false })

describe('a body that is read into memory', () => {
  it('is text, though a chunk ends in the middle of a character', async () => {
    const [first, ...rest] = Buffer.from('é')
    expect(await readText(streamOf(Buffer.of(first!), Buffer.from(rest)), 2)).to.equal('é')
    expect(await readText(streamOf(), 0)).to.equal('')
  })

  it('is given up at its first byte too many, counted in bytes, and its stream is closed', async () => {
    const body = streamOf(Buffer.from('é'), Buffer.from('é'))
    expect(await readText(body, 3)).to.equal(undefined)
    expect(body.destroyed).to.equal(true)
  })
})
