import { expect } from 'chai'
import { describe, it } from 'mocha'
import { mayConnect } from '../../../proxy/src/routing/address-policy.ts'

const policy = { allowLocalUpstreams: false, ownPorts: [15400, 15401, 15402], steeredPorts: [], ownAddresses: [] }
const ruled = { port: 443, ruled: true }
const plain = { port: 80, ruled: false }

describe('mayConnect', () => {
  const credentials = [
    '169.254.169.254',
    '169.254.170.2',
    '169.254.170.23',
    'fd00:ec2::254',
    'fd00:ec2::23',
    '::ffff:169.254.169.254',
    'fd00:0ec2:0::0254',
    '168.63.129.16',
    '100.100.100.200',
    '169.254.0.23',
    '169.254.42.42',
    'fd20:ce::254',
    'fd00:42::42',
    'fd00:c1::a9fe:a9fe',
    'fd00:100::100:200',
    'fd00:a9fe:a9fe::1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::a9fe:a9fe',
    '64:ff9b:1:ffff:a9:fea9:fe00:0',
  ]
  for (const address of credentials)
    it(`never reaches ${address}, where credentials are served`, () => {
      for (const connection of [ruled, plain])
        expect(mayConnect(address, connection, { ...policy, allowLocalUpstreams: true })).to.equal(false)
    })

  for (const address of ['127.0.0.1', '127.8.9.10', '0.0.0.0', '::1', '::', '::ffff:127.0.0.1']) {
    it(`sends no token to ${address}, and passes requests without one`, () => {
      expect(mayConnect(address, ruled, policy)).to.equal(false)
      expect(mayConnect(address, plain, policy)).to.equal(true)
    })
    it(`reaches ${address} with a token where local upstreams are allowed, but never its own ports`, () => {
      const local = { ...policy, allowLocalUpstreams: true }
      expect(mayConnect(address, ruled, local)).to.equal(true)
      for (const port of policy.ownPorts) {
        expect(mayConnect(address, { port, ruled: true }, local)).to.equal(false)
        expect(mayConnect(address, { port, ruled: false }, local)).to.equal(false)
      }
    })
  }

  it('reaches everything else, private networks included', () => {
    for (const address of ['10.0.0.1', '192.168.1.1', '169.254.1.1', '8.8.8.8', '2001:db8::1', 'fd00::1', '128.0.0.1'])
      for (const connection of [ruled, plain, { port: 15400, ruled: true }])
        expect(mayConnect(address, connection, policy), address).to.equal(true)
  })

  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', 'fd00:0::3', 'fe80::3%eth0'])
    it(`never reaches its own ports at ${address}, which is an address of this machine, and others there`, () => {
      const own = { ...policy, ownAddresses: ['127.0.0.1', '10.1.2.3', 'fd00::3', 'fe80::3'] }
      for (const ruled of [true, false]) {
        for (const port of own.ownPorts) expect(mayConnect(address, { port, ruled }, own)).to.equal(false)
        expect(mayConnect(address, { port: 443, ruled }, own)).to.equal(true)
      }
      expect(mayConnect('10.1.2.4', { port: 15400, ruled: true }, own)).to.equal(true)
    })

  it('reaches who listens on a steered port at another address of this machine, and never itself', () => {
    const own = { ...policy, ownPorts: [15400, 443], steeredPorts: [443], ownAddresses: ['127.0.0.1', '10.1.2.3'] }
    for (const ruled of [true, false]) {
      expect(mayConnect('10.1.2.3', { port: 443, ruled }, own)).to.equal(true)
      expect(mayConnect('127.0.0.1', { port: 443, ruled }, own)).to.equal(false)
    }
  })

  it('refuses what is no address', () => {
    for (const address of ['', 'localhost', '127.1'])
      expect(mayConnect(address, plain, policy), address).to.equal(false)
  })
})
