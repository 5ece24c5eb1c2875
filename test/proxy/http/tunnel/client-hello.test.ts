import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { connect } from 'node:tls'
import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { readClientHello } from '../../../../proxy/src/http/tunnel/client-hello.ts'

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
      expect(readClientHello(hello.subarray(0, length)), `${length}`).to.deep.equal({ isWhole: false })
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
