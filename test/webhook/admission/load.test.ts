import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createLoad } from '../../../webhook/src/admission/load.ts'

describe('load', () => {
  it('admits so many requests, and another when one is done', () => {
    const load = createLoad({ requests: 2, bytes: 100 })
    const release = load.admit(1)
    expect(load.admit(1)).to.be.a('function')
    expect(load.requests).to.equal(2)
    expect(load.admit(1)).to.equal(undefined)
    release?.()
    expect(load.requests).to.equal(1)
    expect(load.admit(1)).to.be.a('function')
  })

  it('admits so many bytes together', () => {
    const load = createLoad({ requests: 10, bytes: 100 })
    const release = load.admit(60)
    expect(load.admit(41)).to.equal(undefined)
    expect(load.admit(40)).to.be.a('function')
    release?.()
    expect(load.admit(60)).to.be.a('function')
  })
})
