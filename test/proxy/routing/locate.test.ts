import { expect } from 'chai'
import { describe, it } from 'mocha'
import { locateAbsolute } from '../../../proxy/src/routing/locate.ts'

describe('locating the upstream of a request to a forward proxy', () => {
  it('reads it from the target, and leaves the fields alone', () => {
    expect(locateAbsolute()('http://api.example/x?y', ['A', '1'])).to.deep.equal({
      origin: 'http://api.example',
      path: '/x?y',
    })
  })
  it('refuses every other form', () => {
    for (const target of ['/x', '/a//b', '*', 'api.example:443', ''])
      expect(locateAbsolute()(target, [])).to.deep.equal({ refused: 'bad_request_target' })
  })
  it('says what its owner wants said about them', () => {
    expect(locateAbsolute('Set X.')('/', [])).to.deep.equal({ refused: 'bad_request_target', hint: 'Set X.' })
  })
})
