import { expect } from 'chai'
import { describe, it } from 'mocha'
import { ROUTE_DEFAULTS, formatRoutes } from '../../../../proxy/src/contract.ts'
import { parseRoutesAnnotation } from '../../../../webhook/src/injection/annotations/routes-yaml.ts'
import { collect } from '../../../support/injection/problems.ts'

const parse = (text: string): ReturnType<typeof collect<ReturnType<typeof parseRoutesAnnotation>>> =>
  collect((report) => parseRoutesAnnotation(text, 'routes', report))
const complaints = (text: string): readonly string[] => {
  const { value, complaints } = parse(text)
  expect(value).to.equal(undefined)
  return complaints
}
const FIELDS =
  'hosts, source, audience, duration, signingAlgorithm, tags, exchange, header, onExisting, https, timeout, ca, clientCertificate'

describe('the routes annotation', () => {
  it('makes the same routes as ROUTES, in block and flow form', () => {
    const expected = { ...ROUTE_DEFAULTS, name: 'a.example', hosts: ['a.example'], durationSeconds: 60 }
    for (const text of [
      '- hosts: [a.example]\n  duration: 1m',
      '[{hosts: [a.example], duration: 60}]',
      '[{"hosts": ["a.example"], "duration": "60"}] # JSON is YAML',
      '---\n- hosts:\n    - a.example\n  duration: 60s\n',
    ])
      expect(parse(text)).to.deep.equal({ value: [{ route: expected, mounted: [], hasHttps: false }], complaints: [] })
  })

  it('takes a timeout as it takes a duration', () => {
    for (const [written, seconds] of [
      ['30s', 30],
      ['2m', 120],
      ['"1"', 1],
      ['3600', 3600],
    ])
      expect(parse(`- hosts: [a.example]\n  timeout: ${written}`).value?.[0]?.route.timeoutSeconds).to.equal(seconds)
    for (const written of ['0', '61m', '1.5s', '-1', 'true', '500ms'])
      expect(complaints(`- hosts: [a.example]\n  timeout: ${written}`), written).to.have.lengthOf(1)
  })

  it('mounts a ConfigMap per route, and says where', () => {
    const { value } = parse('- hosts: [a.example]\n- hosts: [b.example]\n  ca: {configMap: c.a, key: x_y.pem}')
    expect(value?.[0]?.mounted).to.deep.equal([])
    expect(value?.[1]?.mounted).to.deep.equal([
      {
        volume: {
          name: 'aws-outbound-jwt-ca-1',
          configMap: { name: 'c.a', items: [{ key: 'x_y.pem', path: 'ca.crt' }] },
        },
        mount: {
          name: 'aws-outbound-jwt-ca-1',
          mountPath: '/var/run/secrets/outbound-jwt.io/ca/1',
          readOnly: true,
        },
      },
    ])
    expect(value?.[1]?.route.caFile).to.equal('/var/run/secrets/outbound-jwt.io/ca/1/ca.crt')
  })

  it('refuses a ConfigMap or a key that cannot be', () => {
    for (const name of ['Upper', '-a', 'a-', 'a_b', '', 'x'.repeat(254)])
      expect(complaints(`- hosts: [a.example]\n  ca: {configMap: "${name}", key: k}`)).to.deep.equal([
        `routes[0].ca.configMap: got ${JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}...` : name)}, expected the name of a ConfigMap`,
      ])
    for (const key of ['.', '..', '..x', 'a/b', '', 'a b'])
      expect(complaints(`- hosts: [a.example]\n  ca: {configMap: c, key: "${key}"}`)).to.deep.equal([
        `routes[0].ca.key: got "${key}", expected a key of the ConfigMap`,
      ])
    expect(complaints('- hosts: [a.example]\n  ca: {configMap: c, key: k, path: p}')).to.deep.equal([
      'routes[0].ca.path: got "path", expected one of configMap, key',
    ])
    expect(complaints('- hosts: [a.example]\n  ca: {}')).to.deep.equal([
      'routes[0].ca.configMap: is missing, expected a string; quote it',
      'routes[0].ca.key: is missing, expected a string; quote it',
    ])
  })

  it('does not take fields of ROUTES that an author does not write', () => {
    for (const field of ['name: x', 'caFile: /etc/passwd', 'durationSeconds: 60', '__proto__: {}', 'constructor: 1'])
      expect(complaints(`- hosts: [a.example]\n  ${field}`)).to.deep.equal([
        `routes[0].${field.split(':')[0] ?? ''}: got "${field.split(':')[0] ?? ''}", expected one of ${FIELDS}`,
      ])
  })

  it('tells an author to quote what YAML makes a number, a boolean or null', () => {
    expect(
      complaints('- hosts: [1, true, null]\n  audience: [12]\n  signingAlgorithm: ~\n  duration: true'),
    ).to.deep.equal([
      'routes[0].hosts[0]: got "1", expected a string; quote it',
      'routes[0].hosts[1]: got "true", expected a string; quote it',
      'routes[0].hosts[2]: got "null", expected a string; quote it',
      'routes[0].audience[0]: got "12", expected a string; quote it',
      'routes[0].duration: got "true", expected a string; quote it',
      'routes[0].signingAlgorithm: got "null", expected a string; quote it',
    ])
  })

  it('keeps words that older YAML makes booleans', () => {
    expect(
      parse('- hosts: [a.example]\n  audience: [yes, no, on, 0o7x, 12:30]').value?.[0]?.route.audience,
    ).to.deep.equal(['yes', 'no', 'on', '0o7x', '12:30'])
  })

  it('refuses entries that are no mapping', () => {
    expect(complaints('- text\n- [a]\n- 5\n-')).to.deep.equal(
      ['text', '[\\"a\\"]', '5', 'null'].map(
        (shown, index) => `routes[${index}]: got "${shown}", expected a mapping with ${FIELDS}`,
      ),
    )
  })

  it('keeps to 64 KiB as YAML', () => {
    expect(complaints(`- hosts: [a.example] #${'x'.repeat(64 * 1024)}`)[0]).to.match(/expected at most 65536 bytes$/)
  })

  it('keeps to 64 KiB as JSON, which may be longer', () => {
    const dense = Array.from({ length: 700 }, (_, index) => `{hosts: [h${index}.x],audience: ['${'\\'.repeat(40)}']}`)
    expect(complaints(`[${dense.join(',')}]`)).to.have.lengthOf(1)
    expect(complaints(`[${dense.join(',')}]`)[0]).to.match(/ bytes of JSON", expected at most 65536 bytes$/)
  })

  it('is small enough for one environment variable, doubled dollars included', () => {
    const { value } = parse(`- hosts: [a.example]\n  audience: ["${'$'.repeat(1000)}"]`)
    expect(formatRoutes(value!.map(({ route }) => route))).to.contain('$'.repeat(1000))
  })
})
