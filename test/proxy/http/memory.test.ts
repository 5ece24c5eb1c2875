import { expect } from 'chai'
import { describe, it } from 'mocha'
import { HOLDS, createMemoryBudget, requestBytes } from '../../../proxy/src/http/memory.ts'

const MIB = 1 << 20

/** @returns how often it agrees; a thousand is often enough. */
function count(agrees: () => boolean): number {
  let times = 0
  while (times < 1_000 && agrees()) times++
  return times
}

describe('the memory of requests and connections', () => {
  it('has no bound where the process has none', () => {
    const memory = createMemoryBudget(0)
    expect(memory.requests.takes(1_000_000 * MIB)).to.equal(true)
    expect(memory.connections.takes(1_000_000 * MIB)).to.equal(true)
  })

  it('holds a thousand waiting requests in 128 MiB, and connections for them', () => {
    const memory = createMemoryBudget(128 * MIB)
    expect(count(() => memory.requests.takes(requestBytes(0)))).to.equal(1_000)
    expect(count(() => memory.connections.takes(HOLDS.upstream))).to.be.within(200, 400)
  })

  it('holds four hundred requests that each keep a connection, in 128 MiB', () => {
    const { connections, requests } = createMemoryBudget(128 * MIB)
    expect(count(() => requests.takes(requestBytes(0)) && connections.takes(HOLDS.upstream))).to.be.greaterThan(400)
  })

  it('keeps a quarter for requests, however many connections there are', () => {
    const { connections, requests } = createMemoryBudget(128 * MIB)
    expect(count(() => connections.takes(HOLDS.upstream))).to.be.lessThan(500)
    expect(count(() => requests.takes(requestBytes(0)))).to.be.greaterThan(500)
  })

  it('holds fewer requests with bodies', () => {
    const memory = createMemoryBudget(128 * MIB)
    expect(count(() => memory.requests.takes(requestBytes(64 * 1024)))).to.be.within(100, 300)
  })

  it('holds fewer requests with long heads, and as many with those that calls usually have', () => {
    for (const [headBytes, least, most] of [
      [8 * 1024, 1_000, 1_000],
      [64 * 1024, 100, 400],
    ] as const) {
      const memory = createMemoryBudget(128 * MIB)
      expect(count(() => memory.requests.takes(requestBytes(0, headBytes)))).to.be.within(least, most)
    }
  })

  it('always leaves room for 64 connections to partners, and for requests in little memory', () => {
    for (const limit of [1, 32 * MIB, 96 * MIB]) {
      const memory = createMemoryBudget(limit)
      expect(count(() => memory.requests.takes(requestBytes(0)))).to.be.greaterThan(200)
      expect(count(() => memory.connections.takes(HOLDS.upstream))).to.be.at.least(64)
    }
  })

  it('can be used again once it was given back', () => {
    const memory = createMemoryBudget(96 * MIB)
    const bytes = requestBytes(MIB)
    const times = count(() => memory.requests.takes(bytes))
    expect(memory.requests.takes(bytes)).to.equal(false)
    for (let given = 0; given < times; given++) memory.requests.gives(bytes)
    expect(count(() => memory.requests.takes(bytes))).to.equal(times)
  })

  for (const [limitMiB, leftMiB, shortage] of [
    [128, 33, 'none'],
    [128, 31, 'some'],
    [128, 9, 'some'],
    [128, 7, 'severe'],
    [96, 23, 'some'],
    [1024, 33, 'none'],
    [1024, 31, 'some'],
    [0, 0, 'none'],
  ] as const)
    it(`is short to this degree, "${shortage}", where ${leftMiB} MiB are left of ${limitMiB}`, () => {
      expect(createMemoryBudget(limitMiB * MIB, () => leftMiB * MIB).shortage()).to.equal(shortage)
    })

  it('is not short where the kernel calls no limit the largest number', () => {
    expect(createMemoryBudget(2 ** 64, () => 1024 * MIB).shortage()).to.equal('none')
  })
})
