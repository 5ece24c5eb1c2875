import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createResolver } from '../../../proxy/src/steering/resolver.ts'
import type { Family, ResolverDeps } from '../../../proxy/src/steering/resolver.ts'

const HOST = 'api.partner.example'

type Answer = readonly string[] | string | Promise<readonly string[]>

/** Answers by `name family`; a text is the code of a failure. */
function fake(answers: Readonly<Record<string, Answer>>, more: Partial<ResolverDeps> = {}) {
  const asked: string[] = []
  let cancelled = 0
  const resolve = createResolver({
    begin: () => {
      let fail: (error: Error) => void = () => undefined
      const isCancelled = new Promise<never>((_, reject) => (fail = reject))
      isCancelled.catch(() => undefined)
      return {
        addresses: async (name, family) => {
          asked.push(`${name} ${family}`)
          const answer = answers[`${name} ${family}`] ?? 'ENOTFOUND'
          if (typeof answer === 'string') throw Object.assign(new Error(answer), { code: answer })
          return Promise.race([answer, isCancelled])
        },
        cancel: () => {
          cancelled++
          fail(Object.assign(new Error('cancelled'), { code: 'ECANCELLED' }))
        },
      }
    },
    search: [],
    families: () => [4, 6],
    limitMs: 1_000,
    ...more,
  })
  const addresses = async (host: string, family: 0 | Family = 0): Promise<readonly string[]> =>
    (await resolve(host, family)).map(({ address }) => address)
  const failure = (host: string): Promise<unknown> =>
    resolve(host, 0).then(
      () => undefined,
      (error: unknown) => error,
    )
  return { resolve, addresses, failure, asked, cancelled: () => cancelled }
}

const NEVER = new Promise<never>(() => undefined)

describe('resolving by name servers', () => {
  it('gives every address of both families, those of IPv4 first', async () => {
    const { resolve } = fake({
      [`${HOST} 4`]: Promise.resolve(['192.0.2.1', '192.0.2.2']),
      [`${HOST} 6`]: ['2001:db8::1'],
    })
    expect(await resolve(HOST, 0)).to.deep.equal([
      { address: '192.0.2.1', family: 4 },
      { address: '192.0.2.2', family: 4 },
      { address: '2001:db8::1', family: 6 },
    ])
  })

  it('does not let an IPv4 address wait for IPv6, and ends that question', async () => {
    const { addresses, cancelled } = fake({ [`${HOST} 4`]: ['192.0.2.1'], [`${HOST} 6`]: NEVER })
    expect(await addresses(HOST)).to.deep.equal(['192.0.2.1'])
    expect(cancelled()).to.equal(1)
  })

  it('waits for the other family when one has no address, or fails', async () => {
    for (const code of ['ENODATA', 'ESERVFAIL']) {
      expect(await fake({ [`${HOST} 4`]: code, [`${HOST} 6`]: ['2001:db8::1'] }).addresses(HOST)).to.deep.equal([
        '2001:db8::1',
      ])
      expect(await fake({ [`${HOST} 4`]: ['192.0.2.1'], [`${HOST} 6`]: code }).addresses(HOST)).to.deep.equal([
        '192.0.2.1',
      ])
    }
  })

  it('asks only for families that this machine can call, or that are wanted', async () => {
    const both = { [`${HOST} 4`]: ['192.0.2.1'], [`${HOST} 6`]: ['2001:db8::1'] }
    const machine = fake(both, { families: () => [6] })
    expect(await machine.addresses(HOST)).to.deep.equal(['2001:db8::1'])
    expect(machine.asked).to.deep.equal([`${HOST} 6`])
    const wanted = fake(both)
    expect(await wanted.addresses(HOST, 4)).to.deep.equal(['192.0.2.1'])
    expect(wanted.asked).to.deep.equal([`${HOST} 4`])
  })

  it('asks once for all who want the same name at the same time, and again for those who come later', async () => {
    const { addresses, asked } = fake({ [`${HOST} 4`]: ['192.0.2.1'] })
    await Promise.all([addresses(HOST), addresses(HOST), addresses(HOST)])
    expect(asked).to.have.length(2)
    await addresses(HOST)
    expect(asked).to.have.length(4)
  })

  it('asks for a name with a dot as it is, whatever the search domains are', async () => {
    const { failure, asked } = fake({}, { search: ['cluster.local'], families: () => [4] })
    expect(await failure('api.shop')).to.have.property('code', 'ENOTFOUND')
    expect(asked).to.deep.equal(['api.shop 4'])
  })

  it('asks for a single label in each search domain, and last as it is', async () => {
    const search = ['shop.svc.cluster.local', 'cluster.local']
    const { addresses, failure, asked } = fake(
      { 'api.cluster.local 4': ['192.0.2.1'] },
      { search, families: () => [4] },
    )
    expect(await addresses('api')).to.deep.equal(['192.0.2.1'])
    expect(asked).to.deep.equal(['api.shop.svc.cluster.local 4', 'api.cluster.local 4'])
    await failure('other')
    expect(asked.slice(2)).to.deep.equal(['other.shop.svc.cluster.local 4', 'other.cluster.local 4', 'other 4'])
  })

  it('says whether a name has no address, or has none for now', async () => {
    const none = await fake({ [`${HOST} 4`]: 'ENODATA', [`${HOST} 6`]: 'ENOTFOUND' }).failure(HOST)
    expect(none).to.include({ code: 'ENOTFOUND' })
    for (const code of ['ESERVFAIL', 'EREFUSED', 'ETIMEOUT', 'ECONNREFUSED', 'EBADRESP']) {
      const error = await fake({ [`${HOST} 4`]: code, [`${HOST} 6`]: 'ENODATA' }).failure(HOST)
      expect(error).to.include({ code: 'EAI_AGAIN' })
      expect(String(error)).to.include(code)
    }
  })

  it('gives up after its limit, search domains included, and ends its questions', async () => {
    const search = ['a.example', 'b.example']
    const { failure, asked, cancelled } = fake(
      { 'api.a.example 4': NEVER },
      { search, families: () => [4], limitMs: 20 },
    )
    expect(await failure('api')).to.include({ code: 'EAI_AGAIN' })
    expect(asked).to.deep.equal(['api.a.example 4'])
    expect(cancelled()).to.be.greaterThan(0)
  })

  it('asks nobody about addresses and localhost', async () => {
    const { addresses, asked } = fake({})
    expect(await addresses('192.0.2.7')).to.deep.equal(['192.0.2.7'])
    expect(await addresses('::1', 4)).to.deep.equal(['::1'])
    expect(await addresses('localhost')).to.deep.equal(['127.0.0.1', '::1'])
    expect(await addresses('localhost', 6)).to.deep.equal(['::1'])
    expect(asked).to.be.empty
  })
})
