import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createMemo } from '../../../webhook/src/injection/memo.ts'

describe('memo', () => {
  it('gives back what a text led to, and nothing for another', () => {
    const memo = createMemo<number>(10)
    memo.set('a', 1)
    expect(memo.get('a')).to.equal(1)
    expect(memo.get('b')).to.equal(undefined)
  })

  it('holds so many characters together; the oldest texts make room', () => {
    const memo = createMemo<number>(10)
    memo.set('aaaa', 1)
    memo.set('bbbb', 2)
    memo.set('cccc', 3)
    expect(memo.get('aaaa')).to.equal(undefined)
    expect([memo.get('bbbb'), memo.get('cccc')]).to.deep.equal([2, 3])
    memo.set('d'.repeat(10), 4)
    expect([memo.get('bbbb'), memo.get('cccc'), memo.get('d'.repeat(10))]).to.deep.equal([undefined, undefined, 4])
  })

  it('does not hold a text that is longer than all of it', () => {
    const memo = createMemo<number>(10)
    memo.set('a', 1)
    memo.set('b'.repeat(11), 2)
    expect([memo.get('a'), memo.get('b'.repeat(11))]).to.deep.equal([1, undefined])
  })

  it('counts a text once, however often it is set', () => {
    const memo = createMemo<number>(10)
    memo.set('aaaa', 1)
    for (let time = 0; time < 5; time += 1) memo.set('bbbb', 2)
    expect(memo.get('aaaa')).to.equal(1)
  })
})
