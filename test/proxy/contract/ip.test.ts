import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { parseIp, parseIpv4, parseIpv6 } from '../../../proxy/src/contract/ip.ts'

describe('parseIpv4', () => {
  it('reads a canonical dotted quad', () => {
    expect(parseIpv4('127.0.0.1')).to.equal(0x7f000001)
    expect(parseIpv4('255.255.255.255')).to.equal(0xffffffff)
  })

  it('refuses every other spelling', () => {
    for (const text of ['127.1', '0x7f.0.0.1', '127.0.0.01', '256.0.0.1', '1.2.3', '1.2.3.4.5', '', ' 1.2.3.4'])
      expect(parseIpv4(text), text).to.equal(undefined)
  })
})

describe('parseIpv6', () => {
  const cases: readonly (readonly [string, bigint])[] = [
    ['::', 0n],
    ['::1', 1n],
    ['fd00:ec2::254', 0xfd000ec2000000000000000000000254n],
    ['FD00:0EC2:0:0:0:0:0:0254', 0xfd000ec2000000000000000000000254n],
    ['1::', 0x00010000000000000000000000000000n],
    ['::ffff:127.0.0.1', 0xffff7f000001n],
    ['fe80::1%eth0', 0xfe800000000000000000000000000001n],
  ]
  for (const [text, value] of cases)
    it(`reads ${text}`, () => {
      expect(parseIpv6(text)).to.equal(value)
    })

  it('refuses what is none', () => {
    for (const text of [
      '',
      ':',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1:2:3:4:5:6:7::8',
      '12345::',
      'g::',
      '::1.2.3',
      '::1.2.3.4:5',
    ])
      expect(parseIpv6(text), text).to.equal(undefined)
  })

  it('agrees with the URL parser on every address', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const canonical = new URL(`http://[${text}]`).hostname.slice(1, -1)
        expect(parseIpv6(text)).to.be.a('bigint').and.to.equal(parseIpv6(canonical))
      }),
    )
  })
})

describe('parseIp', () => {
  it('sees the IPv4 address in its IPv6 clothes', () => {
    const metadata = parseIp('169.254.169.254')
    for (const text of ['::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '::169.254.169.254', '64:ff9b::a9fe:a9fe'])
      expect(parseIp(text), text).to.deep.equal(metadata)
  })

  it('keeps :: and ::1 apart from 0.0.0.0 and 0.0.0.1', () => {
    expect(parseIp('::')).to.deep.equal({ family: 6, value: 0n })
    expect(parseIp('::1')).to.deep.equal({ family: 6, value: 1n })
  })

  it('refuses names', () => {
    expect(parseIp('localhost')).to.equal(undefined)
  })
})
