import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { HOLDS, createMemoryBudget, requestBytes } from '../../../proxy/src/http/memory.ts'
import type { MemoryBudget } from '../../../proxy/src/http/memory.ts'
import { UnreadBook } from '../../../proxy/src/http/unread.ts'
import type { Unread } from '../../../proxy/src/http/unread.ts'
import { until } from '../../support/until.ts'

const MIB = 1 << 20
const PLENTY = 1 << 30

describe('the book of what is not read', () => {
  /** As left by the process; whoever is short looks. */
  let available = PLENTY
  /** Of the newest book: that of the test before may look once more. */
  let looks = { count: 0 }
  let left: string[] = []
  let end: () => void = () => undefined
  beforeEach(() => {
    available = PLENTY
    left = []
  })
  afterEach(() => end())
  const openBook = (): Pick<UnreadBook, 'begin' | 'end'> & { readonly memory: MemoryBudget } => {
    const own = (looks = { count: 0 })
    const memory = createMemoryBudget(128 * MIB, () => {
      own.count++
      return available
    })
    const book = new UnreadBook(memory)
    const begun: Unread[] = []
    end = () => begun.forEach((unread) => book.end(unread))
    return {
      memory,
      end: (unread) => book.end(unread),
      begin: (unread) => {
        begun.push(unread)
        book.begin(unread)
      },
    }
  }
  const named = (name: string): Unread => ({ letGo: () => void left.push(name) })
  const lookedAt = (times: number): Promise<void> => {
    const own = looks
    const end = own.count + times
    return until(`${times} looks`, () => own.count >= end)
  }
  const count = (agrees: () => boolean): number => {
    let times = 0
    while (agrees()) times++
    return times
  }

  it('charges what has not been read from one look to the next, and gives it back when it is', async () => {
    const book = openBook()
    const { memory } = book
    const all = count(() => memory.requests.takes(HOLDS.unread))
    for (let given = 0; given < all; given++) memory.requests.gives(HOLDS.unread)
    const slow = named('slow')
    const still = named('still')
    book.begin(still)
    book.begin(slow)
    await lookedAt(1)
    book.end(slow)
    book.begin(slow)
    await lookedAt(1)
    expect(count(() => memory.requests.takes(HOLDS.unread))).to.equal(all - 1)
    book.end(still)
    expect(count(() => memory.requests.takes(HOLDS.unread))).to.equal(1)
    book.end(slow)
    expect(memory.requests.takes(HOLDS.unread)).to.equal(false)
  })

  it('leaves room for requests, however much is not read, and lets nobody go for what it cannot charge', async () => {
    const book = openBook()
    const { memory } = book
    for (let index = 0; index < 1_000; index++) book.begin(named(String(index)))
    await lookedAt(4)
    expect(count(() => memory.requests.takes(requestBytes(0)))).to.be.within(200, 300)
    expect(left).to.deep.equal([])
  })

  it('lets go of a quarter at each look while memory is short, the longest unread first', async () => {
    const book = openBook()
    available = 0
    for (const name of ['a', 'b', 'c', 'd', 'e']) book.begin(named(name))
    await lookedAt(2)
    expect(left).to.deep.equal(['a', 'b'])
    available = PLENTY
    await lookedAt(2)
    expect(left).to.deep.equal(['a', 'b'])
    available = 0
    await until('all have gone', () => left.length === 5)
    expect(left).to.deep.equal(['a', 'b', 'c', 'd', 'e'])
  })

  it('leaves eight alone while memory is short, until it is severely so', async () => {
    const book = openBook()
    available = 16 * MIB
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']
    for (const name of names) book.begin(named(name))
    await lookedAt(5)
    expect(left).to.deep.equal(['a', 'b'])
    available = 0
    await until('all have gone', () => left.length === names.length, 10_000)
  })

  for (const [share, bytes] of [
    ['requests', HOLDS.request],
    ['connections', HOLDS.upstream],
  ] as const)
    it(`lets go of one, and then not of another, when somebody was refused his share of ${share}`, async () => {
      const book = openBook()
      const { memory } = book
      count(() => memory[share].takes(bytes))
      for (const name of ['a', 'b', 'c']) book.begin(named(name))
      await lookedAt(2)
      expect(left, 'refused before anybody stopped reading').to.deep.equal([])
      memory[share].takes(bytes)
      await lookedAt(3)
      expect(left).to.deep.equal(['a'])
    })

  it('lets nobody go for a refusal after which something was given back', async () => {
    const book = openBook()
    const { memory } = book
    count(() => memory.requests.takes(HOLDS.request))
    book.begin(named('a'))
    await lookedAt(2)
    memory.requests.takes(HOLDS.request)
    memory.requests.gives(HOLDS.request)
    await lookedAt(2)
    expect(left).to.deep.equal([])
  })
})
