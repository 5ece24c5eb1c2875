import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { locateAbsolute, locateByHost, locateInside } from '../../../proxy/src/routing/locate.ts'

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

describe('locateInside', () => {
  const locate = locateInside({ scheme: 'http', host: 'api.partner.example', port: 80 })

  const same: readonly (readonly [string, readonly string[]])[] = [
    ['/x?y=1', ['Host', 'api.partner.example']],
    ['/x?y=1', ['host', 'API.partner.example.:80', 'a', 'b']],
    ['/x?y=1', []],
    ['http://Api.Partner.example:80/x?y=1', ['Host', 'api.partner.example']],
  ]
  for (const [target, headers] of same)
    it(`takes ${target} with ${headers.join(' ') || 'no Host'}`, () => {
      expect(locate(target, headers)).to.deep.include({ path: '/x?y=1' })
    })

  const other: readonly (readonly [string, readonly string[]])[] = [
    ['/', ['Host', 'other.example']],
    ['/', ['Host', 'api.partner.example:443']],
    ['/', ['Host', 'api.partner.example', 'host', 'other.example']],
    ['/', ['Host', '']],
    ['http://other.example/', ['Host', 'api.partner.example']],
    ['https://api.partner.example/', ['Host', 'api.partner.example']],
    ['http://api.partner.example/', ['Host', 'other.example']],
  ]
  for (const [target, headers] of other)
    it(`refuses ${target} with ${headers.join(' ')}: another authority`, () => {
      expect(locate(target, headers)).to.deep.equal({ refused: 'authority_mismatch' })
    })

  for (const target of ['*', 'api.partner.example', ''])
    it(`refuses ${target || 'nothing'}: no target`, () => {
      expect(locate(target, [])).to.include({ refused: 'bad_request_target' })
    })

  it('never leads elsewhere', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string(), { maxLength: 6 }), (target, headers) => {
        const located = locate(target, headers.length % 2 === 0 ? headers : [...headers, ''])
        if (!('refused' in located)) expect(new URL(located.origin).hostname).to.equal('api.partner.example')
      }),
    )
  })

  it('reads what is missing in the terms of its scheme', () => {
    const secure = locateInside({ scheme: 'https', host: 'api.partner.example', port: 443 })
    expect(secure('/', ['Host', 'api.partner.example'])).to.deep.equal({
      origin: 'https://api.partner.example',
      path: '/',
    })
    expect(secure('/', ['Host', 'api.partner.example:80'])).to.deep.equal({ refused: 'authority_mismatch' })
  })
})

describe('locateByHost', () => {
  const locate = locateByHost((host) => host.endsWith('.partner.example'))

  const served: readonly (readonly [target: string, headers: readonly string[]])[] = [
    ['/x?y=1', ['Host', 'api.partner.example']],
    ['/x?y=1', ['a', 'b', 'host', 'API.partner.example.:80']],
    ['http://api.partner.example/x?y=1', ['Host', 'api.partner.example']],
    ['http://Api.Partner.example:80/x?y=1', ['Host', 'api.partner.example.']],
    ['http://api.partner.example/x?y=1', []],
  ]
  for (const [target, headers] of served)
    it(`takes ${target} with ${headers.join(' ') || 'no Host'}`, () => {
      expect(locate(target, headers)).to.have.property('path', '/x?y=1')
    })

  const refused: readonly (readonly [target: string, headers: readonly string[], code: string])[] = [
    ['/', ['Host', 'other.example'], 'authority_mismatch'],
    ['/', ['Host', 'api.partner.example:8080'], 'authority_mismatch'],
    ['/', ['Host', 'api.partner.example', 'Host', 'b.partner.example'], 'authority_mismatch'],
    ['/', ['Host', ''], 'authority_mismatch'],
    ['/', ['Host', '127.0.0.1'], 'authority_mismatch'],
    ['/', ['Host', '[::1]:80'], 'authority_mismatch'],
    ['http://b.partner.example/', ['Host', 'api.partner.example'], 'authority_mismatch'],
    ['https://api.partner.example/', ['Host', 'api.partner.example'], 'authority_mismatch'],
    ['http://other.example/', ['Host', 'other.example'], 'authority_mismatch'],
    ['http://user@api.partner.example/', ['Host', 'api.partner.example'], 'authority_mismatch'],
    ['/', [], 'bad_request_target'],
    ['*', ['Host', 'api.partner.example'], 'bad_request_target'],
  ]
  for (const [target, headers, code] of refused)
    it(`refuses ${target} with ${headers.join(' ') || 'no Host'}: ${code}`, () => {
      expect(locate(target, headers)).to.have.property('refused', code)
    })

  it('says of an IP address that partners have names', () => {
    expect(locate('/', ['Host', '127.0.0.1']))
      .to.have.property('message')
      .that.includes('IP address')
  })

  it('never leads to a host that is not steered', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (target, host) => {
        const located = locate(target, ['Host', host])
        if (!('refused' in located)) expect(new URL(located.origin).hostname).to.match(/\.partner\.example\.?$/)
      }),
    )
  })
})
