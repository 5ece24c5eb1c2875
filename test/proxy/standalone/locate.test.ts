import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { createLocate, standaloneHints } from '../../../proxy/src/standalone/locate.ts'

const NAMED = { upstreamHost: undefined, upstreamScheme: 'https', hostHeader: 'X-Upstream-Host' } as const
const PINNED = { ...NAMED, upstreamHost: 'pinned.example:8443' } as const

describe('locating the upstream of a request in origin form', () => {
  const named = createLocate(NAMED)
  const pinned = createLocate(PINNED)

  it('takes the host that the header names, and the header out', () => {
    expect(named('/v1?a=b', ['Accept', '*/*', 'x-upstream-host', 'api.example:8443', 'B', '1'])).to.deep.equal({
      origin: 'https://api.example:8443',
      path: '/v1?a=b',
      headers: ['Accept', '*/*', 'B', '1'],
    })
  })

  it('takes the pinned host whatever the header names', () => {
    expect(pinned('/v1', ['X-Upstream-Host', 'evil.example'])).to.deep.equal({
      origin: 'https://pinned.example:8443',
      path: '/v1',
      headers: [],
    })
  })

  it('hands on the very list when no header was for the proxy', () => {
    const headers = ['Accept', '*/*']
    expect(pinned('/', headers)).to.have.property('headers').that.equals(headers)
  })

  it('reads the Host field when that is the header', () => {
    const byHost = createLocate({ ...NAMED, hostHeader: 'Host' })
    expect(byHost('/', ['Host', 'api.example'])).to.include({ origin: 'https://api.example' })
  })

  it('uses the scheme it was told', () => {
    const plaintext = createLocate({ ...NAMED, upstreamScheme: 'http' })
    expect(plaintext('/', ['X-Upstream-Host', 'api.example'])).to.include({ origin: 'http://api.example' })
  })

  const unusable: readonly (readonly string[])[] = [
    [],
    ['X-Upstream-Host', ''],
    ['X-Upstream-Host', 'a.example', 'X-Upstream-Host', 'a.example'],
    ['X-Upstream-Host', 'a.example, b.example'],
    ['X-Upstream-Host', 'https://a.example'],
    ['X-Upstream-Host', 'a.example/path'],
    ['X-Upstream-Host', 'user@a.example'],
    ['X-Upstream-Host', 'a.example:0'],
  ]
  for (const headers of unusable)
    it(`refuses ${JSON.stringify(headers)} with a hint that names header and variables`, () => {
      const refusal = named('/', headers)
      expect(refusal).to.include({ refused: 'bad_request_target' })
      expect(refusal)
        .to.have.property('hint')
        .that.matches(/X-Upstream-Host.*ALLOWED_HOSTS.*UPSTREAM_HOST/)
    })

  it('reads an absolute target as any proxy does, pinned or not, without the header', () => {
    for (const locate of [named, pinned])
      expect(locate('http://api.example/x', ['X-Upstream-Host', 'evil.example'])).to.deep.equal({
        origin: 'http://api.example',
        path: '/x',
        headers: [],
      })
  })

  for (const target of ['*', 'api.example:443', ''])
    it(`refuses the target ${JSON.stringify(target)}`, () => {
      expect(pinned(target, [])).to.deep.equal({ refused: 'bad_request_target' })
    })

  it('never lets the name of the upstream through to it, nor loses another field', () => {
    const field = fc.tuple(
      fc.constantFrom('X-Upstream-Host', 'x-upstream-HOST', 'Accept', 'X-Upstream-Hos'),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(field, { maxLength: 8 }), (fields) => {
        const located = pinned('/', fields.flat())
        const others = fields.filter(([name]) => name.toLowerCase() !== 'x-upstream-host')
        expect(located).to.have.property('headers').that.deep.equals(others.flat())
      }),
    )
  })
})

describe('hints in standalone mode', () => {
  it('say how a pinned upstream is reached', () => {
    const hints = standaloneHints(PINNED)
    expect(hints.hostDenied).to.match(/Only pinned\.example:8443/)
    expect(hints.portDenied('pinned.example:8443')).to.contain('with pinned.example:8443')
  })
  it('say which header to send', () => {
    const hints = standaloneHints(NAMED)
    expect(hints.hostDenied).to.equal('Add the host to ALLOWED_HOSTS.')
    expect(hints.portDenied('a.example:8443')).to.contain('X-Upstream-Host: a.example:8443')
  })
})
