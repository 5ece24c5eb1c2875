import type { LookupAddress } from 'node:dns'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import {
  askNameServers,
  createNameServerLookup,
  lookupBy,
  usableFamilies,
} from '../../../proxy/src/steering/name-servers.ts'
import { createResolver } from '../../../proxy/src/steering/resolver.ts'
import { startNameServer } from '../../support/name-server.ts'
import type { NameServer } from '../../support/name-server.ts'

const HOST = 'api.partner.example'

type Looked = { readonly error: unknown; readonly address: unknown; readonly family: unknown }

describe('a lookup by name servers', () => {
  let server: NameServer
  let silent: NameServer
  before(async () => {
    server = await startNameServer({
      [HOST]: { a: ['192.0.2.1', '192.0.2.2'], aaaa: ['2001:db8::1'] },
      'six.example': { aaaa: ['2001:db8::6'] },
      'half.example': { a: ['192.0.2.3'], aaaa: 'silence' },
      'long.example': { a: ['192.0.2.4'], truncated: true },
      'broken.example': { code: 2 },
      'api.shop.example': { a: ['192.0.2.5'] },
    })
    silent = await startNameServer({ [HOST]: { aaaa: 'silence' } })
  })
  after(() => Promise.all([server.close(), silent.close()]))
  afterEach(() => (server.questions as string[]).splice(0))

  const lookup = (servers = [server.address], limitMs = 5_000) =>
    lookupBy(
      createResolver({
        begin: () => askNameServers(servers),
        search: ['shop.example'],
        families: () => [4, 6],
        limitMs,
      }),
    )
  const look = (host: string, options: object = { all: true }, by = lookup()): Promise<Looked> =>
    new Promise((resolve) => by(host, options, (error, address, family) => resolve({ error, address, family })))
  const addressesOf = async (host: string): Promise<readonly string[]> =>
    ((await look(host)).address as LookupAddress[]).map(({ address }) => address)

  it('finds every address of both families', async () => {
    expect((await addressesOf(HOST)).slice(0, 2).sort()).to.deep.equal(['192.0.2.1', '192.0.2.2'])
    expect(await addressesOf('six.example')).to.deep.equal(['2001:db8::6'])
  })

  it('gives one address to callers that want one', async () => {
    expect(await look('six.example', {})).to.deep.equal({ error: null, address: '2001:db8::6', family: 6 })
    expect(await look(HOST, { family: 'IPv6' })).to.deep.equal({ error: null, address: '2001:db8::1', family: 6 })
    expect((await look('half.example', { family: 4 })).address).to.equal('192.0.2.3')
  })

  it('does not wait for a name server that says nothing about IPv6', async () => {
    expect(await addressesOf('half.example')).to.deep.equal(['192.0.2.3'])
  })

  it('asks over TCP for an answer that is too long for UDP', async () => {
    expect(await addressesOf('long.example')).to.deep.equal(['192.0.2.4'])
    expect(server.questions).to.include('long.example A').and.include('long.example A/tcp')
  })

  it('adds a search domain to one label, and nothing to a name with a dot', async () => {
    expect(await addressesOf('api')).to.deep.equal(['192.0.2.5'])
    expect((await look('nowhere.example')).error).to.have.property('code', 'ENOTFOUND')
    expect(server.questions).to.include('nowhere.example A').and.not.include('nowhere.example.shop.example A')
  })

  it('says what getaddrinfo would say of a failure', async () => {
    expect((await look('nowhere.example')).error).to.have.property('code', 'ENOTFOUND')
    expect((await look('broken.example')).error).to.have.property('code', 'EAI_AGAIN')
    const refused = await look(HOST, {}, lookup(['127.0.0.1:1']))
    expect(refused.error).to.have.property('code', 'EAI_AGAIN')
  })

  it('gives up when no name server answers in time', async () => {
    const { error } = await look(HOST, { family: 6 }, lookup([silent.address], 50))
    expect(error).to.have.property('code', 'EAI_AGAIN')
  })

  it('asks the next name server when the first does not answer', async () => {
    const { address } = await look(HOST, { family: 6 }, lookup([silent.address, server.address]))
    expect(address).to.equal('2001:db8::1')
  })

  it('never reads /etc/hosts', async function () {
    const names = readFileSync('/etc/hosts', 'utf8')
      .replace(/#.*/g, '')
      .split('\n')
      .flatMap((line) => line.trim().split(/\s+/).slice(1))
      .filter((name) => name !== 'localhost')
    const [name] = names
    if (name === undefined) this.skip()
    const asked = name.includes('.') ? name : `${name}.shop.example`
    server.records.set(asked.toLowerCase(), { a: ['192.0.2.99'] })
    expect(await addressesOf(name)).to.deep.equal(['192.0.2.99'])
  })

  it('goes without search domains where there is no resolv.conf', async () => {
    const by = createNameServerLookup(() => {
      throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' })
    })
    expect(await look('localhost', { family: 4 }, by)).to.include({ address: '127.0.0.1' })
  })
})

describe('the families that a machine can call', () => {
  const on = (...addresses: readonly string[]) =>
    usableFamilies({
      eth0: addresses.map((address) => ({
        address,
        family: address.includes(':') ? ('IPv6' as const) : ('IPv4' as const),
        internal: address === '127.0.0.1' || address === '::1',
        netmask: '',
        mac: '',
        cidr: null,
        scopeid: 0,
      })),
    })

  it('are those of its addresses, apart from the loopback and from links', () => {
    expect(on('127.0.0.1', '::1', '10.0.0.7')).to.deep.equal([4])
    expect(on('127.0.0.1', '10.0.0.7', 'fe80::1')).to.deep.equal([4])
    expect(on('127.0.0.1', '::1', '2001:db8::7')).to.deep.equal([6])
    expect(on('10.0.0.7', '2001:db8::7')).to.deep.equal([4, 6])
  })

  it('are both where there is nothing but the loopback', () => {
    expect(on('127.0.0.1', '::1')).to.deep.equal([4, 6])
    expect(on()).to.deep.equal([4, 6])
  })
})
