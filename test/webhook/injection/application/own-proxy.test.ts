import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createFirstProxied } from '../../../../webhook/src/injection/application/bypass.ts'
import { findOwnProxies } from '../../../../webhook/src/injection/application/own-proxy.ts'
import type { EnvConflict } from '../../../../webhook/src/injection/application/env-conflict.ts'

const FIRST_PROXIED = createFirstProxied(['api.partner.example', 'b.other.example'])
const PROXY = 'http://proxy.corp.example:3128'

const conflicts = (env: Readonly<Record<string, string | undefined>>, intercepts = true): readonly EnvConflict[] =>
  findOwnProxies(
    Object.entries(env).map(([name, value], index) => ({ index, name, value, raw: { name } })),
    FIRST_PROXIED,
    intercepts,
  )
const namesOf = (...args: Parameters<typeof conflicts>): readonly string[] => conflicts(...args).map(({ name }) => name)

describe('a proxy of its own in a container whose partners are steered', () => {
  it('conflicts in every spelling, by valueFrom too, unless it is empty', () => {
    for (const name of ['HTTP_PROXY', 'http_proxy', 'Https_Proxy', 'ALL_PROXY']) {
      expect(namesOf({ [name]: PROXY }), name).to.deep.equal([name])
      expect(namesOf({ [name]: undefined }), name).to.deep.equal([name])
      expect(namesOf({ [name]: '' }), name).to.deep.equal([])
    }
    expect(namesOf({ FTP_PROXY: PROXY })).to.deep.equal([])
  })

  it('for https:// URLs alone is no conflict while nothing is intercepted', () => {
    expect(namesOf({ HTTPS_PROXY: PROXY }, false)).to.deep.equal([])
  })

  it('is no conflict when every list names every host, whole, by suffix or by a star', () => {
    for (const list of [
      'API.partner.example,b.other.example',
      '.partner.example .example',
      'localhost, *',
      'b.other.example,.partner.example',
    ])
      expect(namesOf({ HTTP_PROXY: PROXY, NO_PROXY: list }), list).to.deep.equal([])
  })

  it('is a conflict when a client could find a list without the host', () => {
    const both = 'api.partner.example,b.other.example'
    for (const [upper, lower] of [
      ['api.partner.example', 'api.partner.example'],
      [both, 'localhost'],
      [both, ''],
      ['partner.example,other.example', undefined],
      ['api.partner.example:443,b.other.example:443', undefined],
      ['*.partner.example,*.other.example', undefined],
      ['$(HOSTS)', undefined],
    ])
      expect(
        namesOf({ HTTP_PROXY: PROXY, NO_PROXY: upper, ...(lower !== undefined && { no_proxy: lower }) }),
        `${upper} ${lower}`,
      ).to.deep.equal(['HTTP_PROXY'])
  })

  it('is a conflict when the list cannot be read', () => {
    expect(namesOf({ HTTP_PROXY: PROXY, NO_PROXY: undefined })).to.deep.equal(['HTTP_PROXY'])
  })

  it('names the first host that would be missed, and never a password', () => {
    const [conflict] = conflicts({ HTTP_PROXY: 'http://user:hunter2@proxy:3128', NO_PROXY: 'api.partner.example' })
    expect(conflict).to.deep.equal({
      reason: 'env-conflict',
      name: 'HTTP_PROXY',
      shown: '***@proxy:3128',
      allowed: 'b.other.example in NO_PROXY of this container, no proxy, or outbound-jwt.io/env-policy set to keep',
      canOverride: false,
    })
  })

  it('may be in the options of a JVM', () => {
    const java = (options: string, intercepts = true): readonly string[] =>
      namesOf({ JAVA_TOOL_OPTIONS: options }, intercepts)
    const host = '-Dhttp.proxyHost=proxy'
    expect(java(host)).to.deep.equal(['JAVA_TOOL_OPTIONS'])
    expect(java('-Dhttps.proxyHost=proxy')).to.deep.equal(['JAVA_TOOL_OPTIONS'])
    expect(java('-Dhttps.proxyHost=proxy', false)).to.deep.equal([])
    expect(java(`${host} -Dhttp.nonProxyHosts=api.partner.example|*.other.example`)).to.deep.equal([])
    expect(java(`-Dhttp.nonProxyHosts='api.*|b.*' ${host}`)).to.deep.equal([])
    expect(java(`${host} -Dhttp.nonProxyHosts=api.partner.example`)).to.deep.equal(['JAVA_TOOL_OPTIONS'])
    expect(java('-Xmx1g')).to.deep.equal([])
  })

  it('is looked for among many hosts and entries in a time that grows with either alone', () => {
    // Compared one by one, 2,000 hosts and 100,000 entries take minutes, and a pod has 250 containers.
    const hosts = createFirstProxied(Array.from({ length: 2_000 }, (_, index) => `h${index}.partner.example`))
    const find = (name: string, value: string): readonly EnvConflict[] =>
      findOwnProxies(
        [
          { index: 0, name: 'HTTP_PROXY', value: name === 'NO_PROXY' ? PROXY : '', raw: {} },
          { index: 1, name, value, raw: {} },
        ],
        hosts,
        true,
      )
    const java = '-Dhttp.proxyHost=proxy -Dhttp.nonProxyHosts='
    expect(find('NO_PROXY', `${'a.example,'.repeat(100_000)}.partner.example`)).to.deep.equal([])
    expect(find('JAVA_TOOL_OPTIONS', `${java}${'a.example|'.repeat(100_000)}*.partner.example`)).to.deep.equal([])
    expect(find('JAVA_TOOL_OPTIONS', `${java}${'a.example|'.repeat(100_000)}h0.*`)).to.have.length(1)
  })
})
