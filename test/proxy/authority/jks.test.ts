import { createHash } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { encodeJks } from '../../../proxy/src/authority/jks.ts'

/** A reader of the format on its own, after sun.security.provider.JavaKeyStore's engineLoad. */
function decodeJks(file: Buffer, password: string): { alias: string; der: Buffer; createdMs: number }[] {
  const content = file.subarray(0, -20)
  const salt = Buffer.concat([Buffer.from(password, 'utf16le').swap16(), Buffer.from('Mighty Aphrodite')])
  expect(createHash('sha1').update(salt).update(content).digest().equals(file.subarray(-20))).to.equal(true)
  let at = 0
  const take = (size: number): Buffer => content.subarray(at, (at += size))
  expect(take(8).toString('hex')).to.equal('feedfeed00000002')
  const entries = Array.from({ length: take(4).readUInt32BE() }, () => {
    expect(take(4).readUInt32BE()).to.equal(2)
    const alias = take(take(2).readUInt16BE()).toString('ascii')
    const createdMs = Number(take(8).readBigUInt64BE())
    expect(take(take(2).readUInt16BE()).toString('ascii')).to.equal('X.509')
    return { alias, createdMs, der: Buffer.from(take(take(4).readUInt32BE())) }
  })
  expect(at).to.equal(content.length)
  return entries
}

describe('a Java key store of trusted certificates', () => {
  it('holds every certificate with its alias and date, and a digest over all of it', () => {
    const entry = fc.record({
      alias: fc.stringMatching(/^[a-z0-9-]{1,40}$/),
      der: fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
    })
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 20 }), fc.nat(), (entries, createdMs) => {
        const file = encodeJks(entries, 'changeit', createdMs)
        expect(decodeJks(file, 'changeit')).to.deep.equal(entries.map((given) => ({ ...given, createdMs })))
        expect(encodeJks(entries, 'changeit', createdMs).equals(file)).to.equal(true)
      }),
    )
  })
})
