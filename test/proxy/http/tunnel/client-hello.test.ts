import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { connect } from 'node:tls'
import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { createIsWholeHello, readClientHello } from '../../../../proxy/src/http/tunnel/client-hello.ts'

const HOST = 'api.partner.example'

/** What Node's client says first. */
async function helloOf(servername: string): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', servername })
  client.on('error', () => undefined)
  const [socket] = await accepted
  const [hello] = (await once(socket, 'data')) as [Buffer]
  client.destroy()
  socket.destroy()
  server.close()
  return hello
}

/** The same message in records of `size` octets. */
function fragment(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size)
    records.push(Buffer.from([0x16, 3, 1, part.length >> 8, part.length & 0xff]), part)
  }
  return Buffer.concat(records)
}

describe('the server name of a ClientHello', () => {
  let hello: Buffer
  before(async () => {
    hello = await helloOf(HOST)
  })

  it('is read from what a TLS client sends', () => {
    expect(readClientHello(hello)).to.deep.equal({ isWhole: true, serverName: HOST })
  })

  it('is waited for, wherever the message is cut', () => {
    for (let length = 0; length < hello.length; length++)
      expect(readClientHello(hello.subarray(0, length)), `${length}`).to.have.property('isWhole', false)
  })

  it('is looked for again only when what is missing may be there, and never too late', () => {
    const bytes = fragment(hello, 1)
    const isWhole = createIsWholeHello()
    let records = 0
    for (let length = 1; length <= bytes.length; length++) {
      const seen = bytes.subarray(0, length)
      seen.readUInt16BE = (at) => {
        records++
        return bytes.readUInt16BE(at)
      }
      expect(isWhole(seen), `${length}`).to.equal(length === bytes.length)
    }
    // Each is read again while the rest becomes shorter by a sixth, not for each octet.
    expect(records).to.be.lessThan(hello.length * 100)
  })

  it('is none in a message that is too long for its records, which is not waited for', () => {
    // A message of 60 kB, of which 10 are there: each octet in a record takes six.
    const message = Buffer.alloc(5 + 60_000)
    message.set([0x16, 3, 1, 0, 0, 1, 0, 60_000 >> 8, 60_000 & 0xff])
    const bytes = fragment(message, 1).subarray(0, 60_000)
    expect(readClientHello(bytes)).to.deep.equal({ isWhole: true, serverName: undefined })
    const endless = Buffer.from([0x16, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff])
    expect(readClientHello(endless)).to.deep.equal({ isWhole: true, serverName: undefined })
  })

  it('is read across records of any size, and with bytes behind the message', () => {
    for (const size of [1, 7, 100])
      expect(readClientHello(fragment(hello, size))).to.deep.equal({ isWhole: true, serverName: HOST })
    expect(readClientHello(Buffer.concat([hello, Buffer.from([0x16])]))).to.have.property('serverName', HOST)
  })

  it('may be missing', async () => {
    expect(readClientHello(await helloOf(''))).to.deep.equal({ isWhole: true, serverName: undefined })
  })

  it('is none in anything but a ClientHello, which is not waited for', () => {
    const none = { isWhole: true, serverName: undefined }
    expect(readClientHello(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).to.deep.equal(none)
    expect(readClientHello(Buffer.from('G'))).to.deep.equal(none)
    expect(readClientHello(Buffer.from([0x16, 3, 1, 0, 1, 2]))).to.deep.equal(none)
    expect(readClientHello(Buffer.from([0x16, 3, 1, 0, 0]))).to.deep.equal(none)
    expect(readClientHello(Buffer.alloc(64 * 1024 + 1, 0x16))).to.deep.equal(none)
  })

  it('never throws and never reads beyond a length that lies', () => {
    for (let at = 0; at < hello.length; at++)
      for (const value of [0, 0xff]) {
        const broken = Buffer.from(hello)
        broken[at] = value
        const read = readClientHello(broken)
        if (read.isWhole && read.serverName !== undefined) expect(read.serverName.length).to.be.at.most(hello.length)
      }
  })
})
