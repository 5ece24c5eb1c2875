import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createLoad } from '../../../webhook/src/admission/load.ts'

describe('load', () => {
  const unmoved = (): never => expect.fail('had to make way')

  it('counts the requests in flight', () => {
    const load = createLoad(100)
    const first = load.enter(unmoved)
    load.enter(unmoved)
    expect(load.requests).to.equal(2)
    first.leave()
    first.leave()
    expect(load.requests).to.equal(1)
  })

  it('makes the largest body make way when all together are too many bytes, however late it came', () => {
    const load = createLoad(100)
    const moved: string[] = []
    const small = load.enter(unmoved)
    const large = load.enter(() => moved.push('large'))
    const middle = load.enter(() => moved.push('middle'))
    small.hold(20)
    large.hold(50)
    middle.hold(30)
    expect(moved).to.deep.equal([])
    small.hold(1)
    expect(moved).to.deep.equal(['large'])
    middle.hold(50)
    expect(moved).to.deep.equal(['large', 'middle'])
  })

  it('lets go of what left', () => {
    const load = createLoad(100)
    const done = load.enter(unmoved)
    done.hold(100)
    done.leave()
    done.hold(100)
    load.enter(unmoved).hold(100)
  })
})
