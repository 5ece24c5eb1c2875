import { expect } from 'chai'
import { describe, it } from 'mocha'
import { searchDomains } from '../../../proxy/src/steering/resolv-conf.ts'

describe('the search domains of resolv.conf', () => {
  it('are those that the kubelet writes', () => {
    const text =
      'search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n'
    expect(searchDomains(text)).to.deep.equal(['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'])
  })

  it('are those of the last line that has any', () => {
    expect(searchDomains('search a.example\ndomain b.example\n')).to.deep.equal(['b.example'])
    expect(searchDomains('domain b.example\nsearch\ta.example. c.example # comment')).to.deep.equal([
      'a.example',
      'c.example',
    ])
  })

  it('may be none', () => {
    for (const text of ['', 'nameserver 10.96.0.10\n', '# search a.example\n', 'search .\n'])
      expect(searchDomains(text)).to.deep.equal([])
  })
})
