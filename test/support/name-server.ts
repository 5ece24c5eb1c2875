import { createSocket } from 'node:dgram'
import type { Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { isIPv6 } from 'node:net'

/** What a name has: addresses of both families, the answer in the form of a code, or silence. */
export interface NameRecord {
  readonly a?: readonly string[]
  readonly aaaa?: readonly string[] | 'silence'
  /** Another code than 0; 2 is SERVFAIL. RFC 1035 §4.1.1 */
  readonly code?: number
  /** Over UDP the answer says that it is too long. */
  readonly truncated?: boolean
}

export interface NameServer {
  /** As `dns.setServers` takes it. */
  readonly address: string
  /** Every question so far, as `name A` or `name AAAA`, with `/tcp` behind it if it came that way. */
  readonly questions: readonly string[]
  /** Names in lower case; every other does not exist. */
  readonly records: Map<string, NameRecord>
  close(): Promise<void>
}

const TYPES: Readonly<Record<number, string>> = { 1: 'A', 28: 'AAAA' }
const NXDOMAIN = 3

/** Starts a name server on the loopback, over UDP and TCP. @param wantedPort a free one unless said otherwise. */
export async function startNameServer(
  records: Readonly<Record<string, NameRecord>>,
  wantedPort = 0,
): Promise<NameServer> {
  const known = new Map(Object.entries(records))
  const questions: string[] = []
  const sockets = new Set<Socket>()
  const tcp = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('data', (data: Buffer) => {
      const reply = answer(data.subarray(2), '/tcp')
      if (reply) socket.write(Buffer.concat([uint16(reply.length), reply]))
    })
  })
  const udp = await listenOnBoth(tcp, wantedPort)
  udp.on('message', (query, { port: from, address }) => {
    const reply = answer(query, '')
    if (reply) udp.send(reply, from, address)
  })
  return {
    address: `127.0.0.1:${(tcp.address() as AddressInfo).port}`,
    questions,
    records: known,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      udp.close()
      tcp.close()
      await Promise.all([once(udp, 'close'), once(tcp, 'close')])
    },
  }

  function answer(query: Buffer, transport: '' | '/tcp'): Buffer | undefined {
    const { name, end } = readName(query)
    const type = TYPES[query.readUInt16BE(end)] ?? 'other'
    questions.push(`${name} ${type}${transport}`)
    const record = known.get(name.toLowerCase()) ?? { code: NXDOMAIN }
    const wanted = (type === 'A' ? record.a : record.aaaa) ?? []
    if (wanted === 'silence') return undefined
    const isCut = record.truncated === true && transport === ''
    const addresses = isCut ? [] : wanted
    const flags = 0x8180 | (isCut ? 0x0200 : 0) | (record.code ?? 0)
    const header = [query.subarray(0, 2), uint16(flags), uint16(1), uint16(addresses.length), uint16(0), uint16(0)]
    return Buffer.concat([...header, query.subarray(12, end + 4), ...addresses.map(resource)])
  }
}

/** A port that is free for one of them may be taken for the other, by a connection under way: then another is tried, unless one is wanted. */
async function listenOnBoth(tcp: Server, wantedPort: number): Promise<UdpSocket> {
  for (let tries = 1; ; tries++) {
    tcp.listen(wantedPort, '127.0.0.1')
    await once(tcp, 'listening')
    const udp = createSocket('udp4').bind((tcp.address() as AddressInfo).port, '127.0.0.1')
    try {
      await once(udp, 'listening')
      return udp
    } catch (error) {
      tcp.close()
      await once(tcp, 'close')
      if (wantedPort !== 0 || tries === 5) throw error
    }
  }
}

/** The name of the first question. */
function readName(query: Buffer): { readonly name: string; readonly end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.'), end: at + 1 }
}

/** An answer that points to the name of the question, good for a minute. */
function resource(address: string): Buffer {
  const data = isIPv6(address) ? ipv6(address) : Buffer.from(address.split('.').map(Number))
  const type = data.length === 4 ? 1 : 28
  return Buffer.concat([uint16(0xc00c), uint16(type), uint16(1), uint16(0), uint16(60), uint16(data.length), data])
}

function ipv6(address: string): Buffer {
  const [head = '', tail = ''] = address.split('::')
  const groups = (side: string): number[] => (side === '' ? [] : side.split(':').map((group) => parseInt(group, 16)))
  const missing = 8 - groups(head).length - groups(tail).length
  return Buffer.concat([...groups(head), ...new Array<number>(missing).fill(0), ...groups(tail)].map(uint16))
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff])
}
