import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readConfig } from '../../../proxy/src/config.ts'
import { SettingsError } from '../../../proxy/src/runtime/index.ts'

const route = (host: string, https = 'intercept'): object => ({ hosts: [host], https })

describe('STEERED_PORTS', () => {
  const read = (ports: string, routes: readonly object[] = [], more: Readonly<Record<string, string>> = {}) =>
    readConfig({ STEERED_PORTS: ports, ROUTES: JSON.stringify(routes), ...more })
  const problemsOf = (...args: Parameters<typeof read>): readonly string[] => {
    try {
      read(...args)
      return []
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error
      return error.message.split('\n').slice(1)
    }
  }

  it('is nothing by default, also where a route intercepts', () => {
    expect(read('', [route('api.partner.example')]).steeredPorts).to.deep.equal([])
  })

  it('lists port 80 and the ports of intercepted routes', () => {
    const routes = [route('api.partner.example'), route('other.example:8443'), route('plain.example', 'refuse')]
    expect(read('80, 443,8443', routes).steeredPorts).to.deep.equal([80, 443, 8443])
  })

  for (const [what, ports, allowed] of [
    ['a word', '80,https', 'comma separated items, each a whole number from 1 to 65535'],
    ['port 0', '0', 'from 1 to 65535'],
    ['a port above 65535', '65536', 'from 1 to 65535'],
    ['an empty item', '80,', 'none of them empty'],
    ['a port twice', '80,80', 'each port once'],
  ] as const)
    it(`refuses ${what}, with the allowed form`, () => {
      const problems = problemsOf(ports)
      expect(problems).to.have.length(1)
      expect(problems[0]).to.include(`STEERED_PORTS: got "${ports}", expected`).and.include(allowed)
    })

  it('refuses a list without the port of an intercepted route, and names port and host', () => {
    expect(problemsOf('80', [route('api.partner.example'), route('other.example:8443')])).to.deep.equal([
      '  STEERED_PORTS: got "80", expected 443 among them, because the route of api.partner.example intercepts',
      '  STEERED_PORTS: got "80", expected 8443 among them, because the route of other.example:8443 intercepts',
    ])
  })

  it('refuses a port that no intercepted route is called on', () => {
    const [problem, ...others] = problemsOf('80,443,8443', [
      route('api.partner.example'),
      route('other.example:8443', 'refuse'),
    ])
    expect(problem).to.include('got "8443", expected 80 and the ports of routes with https: intercept')
    expect(others).to.be.empty
  })

  for (const variable of ['LISTEN_ADDR', 'ADMIN_LISTEN_ADDR', 'CONTROL_LISTEN_ADDR'])
    it(`refuses the port of ${variable}`, () => {
      const [problem] = problemsOf('80', [], { [variable]: '127.0.0.1:80' })
      expect(problem).to.include('STEERED_PORTS: got "80", expected no port of LISTEN_ADDR')
    })

  it('is refused in standalone mode, where no name leads to the proxy', () => {
    const standalone = (): unknown => readConfig({ STEERED_PORTS: '80', UPSTREAM_HOST: 'api.partner.example' })
    expect(standalone).to.throw(SettingsError, 'STEERED_PORTS: got "80", expected nothing beside UPSTREAM_HOST')
  })

  it('tells by its flag when a flag gave the value', () => {
    const flags = {
      wants: undefined,
      values: { STEERED_PORTS: '80,443' },
      problems: [],
      nameOf: () => '--steered-ports',
    }
    expect(() => readConfig({}, flags)).to.throw('--steered-ports: got "443"')
  })
})
