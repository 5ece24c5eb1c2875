import { expect } from 'chai'
import { describe, it } from 'mocha'
import { formatAddress, listenAddress, loopbackAddress } from '../../../proxy/src/runtime/index.ts'

describe('listen address', () => {
  const good = {
    '127.0.0.1:15400': { host: '127.0.0.1', port: 15400 },
    '[::]:15401': { host: '::', port: 15401 },
    'localhost:0': { host: 'localhost', port: 0 },
    ':8080': { host: '::', port: 8080 },
  }
  for (const [text, value] of Object.entries(good)) {
    it(`reads ${text}`, () => expect(listenAddress(text)).to.deep.equal({ ok: true, value }))
  }
  for (const text of ['', '15400', '127.0.0.1', '::1:80', '[::1]', 'a:b', '127.0.0.1:65536', 'http://a:1', 'a :1']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(listenAddress(text)).to.have.property('allowed').that.contains('host:port')
    })
  }

  it('is written as in a URL', () => {
    expect(formatAddress({ host: '::1', port: 1 })).to.equal('[::1]:1')
    expect(formatAddress({ host: '127.0.0.1', port: 1 })).to.equal('127.0.0.1:1')
  })
})

describe('loopback address', () => {
  for (const text of ['127.0.0.1:1', '127.8.9.10:1', '[::1]:1', 'localhost:1']) {
    it(`accepts ${text}`, () => expect(loopbackAddress(text).ok).to.equal(true))
  }
  for (const text of ['0.0.0.0:1', '[::]:1', ':1', '10.0.0.1:1', 'example.com:1', '127.0.0.1.example.com:1']) {
    it(`refuses ${text}`, () => expect(loopbackAddress(text)).to.have.property('allowed').that.contains('loopback'))
  }

  it('refuses what is no address at all', () => {
    expect(loopbackAddress('x')).to.have.property('allowed').that.contains('host:port')
  })
})
