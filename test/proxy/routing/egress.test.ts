import { expect } from 'chai'
import { describe, it } from 'mocha'
import { directDestinations } from '../../../proxy/src/contract.ts'
import { compileWayOut } from '../../../proxy/src/routing/egress.ts'

const proxy = { scheme: 'http', host: 'squid.corp.example', port: 3128 } as const

function leavesDirectly(direct: string, host: string, port = 443): boolean {
  const parsed = directDestinations(direct)
  if (!parsed.ok) throw new TypeError(parsed.allowed)
  const found = compileWayOut(proxy, parsed.value)(host, port)
  if (found !== undefined) expect(found).to.equal(proxy)
  return found === undefined
}

describe('the way out of a pod', () => {
  it('is direct for everything where there is no egress proxy', () => {
    expect(compileWayOut(undefined, [])('api.partner.example', 443)).to.equal(undefined)
  })

  const rows: readonly (readonly [direct: string, host: string, port: number, isDirect: boolean])[] = [
    ['', 'api.partner.example', 443, false],
    ['*', 'api.partner.example', 443, true],
    ['*', '8.8.8.8', 443, true],
    ['partner.example', 'partner.example', 443, true],
    ['partner.example', 'api.partner.example', 443, true],
    ['partner.example', 'notpartner.example', 443, false],
    ['partner.example', 'partner.example.attacker.example', 443, false],
    ['.partner.example', 'api.partner.example', 443, true],
    ['.partner.example', 'partner.example', 443, false],
    ['*.partner.example', 'a.b.partner.example', 443, true],
    ['*.partner.example', 'partner.example', 443, false],
    ['partner.example:8443', 'partner.example', 8443, true],
    ['partner.example:8443', 'partner.example', 443, false],
    ['.svc', 'payments.shop.svc', 80, true],
    ['10.0.0.0/8', '10.255.0.1', 443, true],
    ['10.0.0.0/8', '11.0.0.1', 443, false],
    ['10.0.0.0/8', 'ten.example', 443, false],
    ['0.0.0.0/0', '8.8.8.8', 443, true],
    ['0.0.0.0/0', '2001:db8::1', 443, false],
    ['172.16.0.0/12', '172.31.255.255', 443, true],
    ['172.16.0.0/12', '172.32.0.0', 443, false],
    ['192.0.2.7', '192.0.2.7', 443, true],
    ['192.0.2.7', '::ffff:192.0.2.7', 443, true],
    ['192.0.2.7:80', '192.0.2.7', 443, false],
    ['10.*', '10.9.8.7', 443, true],
    ['fd00::/8', 'fd12::1', 443, true],
    ['fd00::/8', 'fe80::1', 443, false],
    ['', 'localhost', 8080, true],
    ['', 'app.localhost', 8080, true],
    ['', '127.0.0.1', 8080, true],
    ['', '127.9.9.9', 8080, true],
    ['', '::1', 8080, true],
    ['', '0.0.0.0', 8080, true],
    ['', '169.254.169.254', 80, true],
    ['', '169.254.170.23', 80, true],
    ['', 'fd00:ec2::254', 80, true],
    ['', '169.254.1.1', 80, false],
    ['', 'payments', 80, true],
    ['', 'payments.shop', 80, false],
  ]
  for (const [direct, host, port, isDirect] of rows)
    it(`${isDirect ? 'passes the egress proxy by' : 'is the egress proxy'} for ${host}:${port} with "${direct}"`, () => {
      expect(leavesDirectly(direct, host, port)).to.equal(isDirect)
    })
})
