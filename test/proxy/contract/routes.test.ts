import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { Problem, Route } from '../../../proxy/src/contract.ts'
import { buildRoute, describeProblem, formatRoutes, parseRoutes } from '../../../proxy/src/contract.ts'

function parse(json: string): { routes: readonly Route[]; problems: Problem[] } {
  const problems: Problem[] = []
  return { routes: parseRoutes(json, 'ROUTES', (problem) => problems.push(problem)), problems }
}

const route = (fields: object): string => JSON.stringify([{ hosts: ['a.example'], ...fields }])
const complaints = (json: string): string[] => parse(json).problems.map(describeProblem)

const host = fc.integer({ min: 0, max: 1e9 }).map((n) => `h${n}.example`)
const anyRoute = fc.record(
  {
    name: fc.stringMatching(/^[\w.-]{1,20}$/),
    hosts: fc.uniqueArray(host, { minLength: 1, maxLength: 3 }),
    audience: fc.array(fc.stringMatching(/^[^\p{Cc}]{1,20}$/u), { minLength: 1, maxLength: 10 }),
    durationSeconds: fc.integer({ min: 60, max: 3600 }),
    signingAlgorithm: fc.constantFrom('RS256', 'ES384'),
    tags: fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), fc.stringMatching(/^[\w ]{0,9}$/)),
    header: fc.record({ name: fc.constantFrom('Authorization', 'X-Token'), scheme: fc.constantFrom('Bearer', '') }),
    onExisting: fc.constantFrom('replace', 'keep', 'reject'),
    https: fc.constantFrom('refuse', 'tunnel', 'intercept'),
    timeoutSeconds: fc.integer({ min: 1, max: 3600 }),
    caFile: fc.constant('/ca.pem'),
  },
  { requiredKeys: ['hosts'] },
)

describe('ROUTES', () => {
  it('gives every field its default', () => {
    expect(parse(route({}))).to.deep.equal({
      problems: [],
      routes: [
        {
          name: 'a.example',
          hosts: ['a.example'],
          source: 'aws',
          audience: [],
          durationSeconds: 900,
          signingAlgorithm: 'RS256',
          tags: {},
          header: { name: 'Authorization', scheme: 'Bearer' },
          onExisting: 'replace',
          https: 'refuse',
        },
      ],
    })
  })

  it('reads back what it writes, and writes no default', () => {
    fc.assert(
      fc.property(anyRoute, (fields) => {
        const { routes, problems } = parse(JSON.stringify([fields]))
        expect(problems).to.deep.equal([])
        const text = formatRoutes(routes)
        expect(parse(text).routes).to.deep.equal(routes)
        expect(formatRoutes(parse(text).routes)).to.equal(text)
      }),
    )
    expect(formatRoutes(parse(route({ durationSeconds: 900, name: 'a.example' })).routes)).to.equal(
      '[{"hosts":["a.example"]}]',
    )
  })

  it('normalises hosts to one spelling', () => {
    expect(parse('[{"hosts":["API.Example.:443","*.B.Example:8443"]}]').routes[0]?.hosts).to.deep.equal([
      'api.example',
      '*.b.example:8443',
    ])
  })

  it('reports every problem at once, each with its path', () => {
    const text = JSON.stringify([
      { hosts: ['10.0.0.1', 'ok.example'], durationSeconds: 59, speed: 1 },
      'x',
      { audience: [], onExisting: 'add' },
    ])
    expect(parse(text).routes).to.deep.equal([])
    expect(complaints(text).map((line) => line.split(':', 1)[0])).to.deep.equal([
      'ROUTES[0].speed',
      'ROUTES[0].hosts[0]',
      'ROUTES[0].durationSeconds',
      'ROUTES[1]',
      'ROUTES[2].audience',
      'ROUTES[2].onExisting',
      'ROUTES[2].hosts',
    ])
  })

  it('refuses a host that two routes list, or that has two ports', () => {
    for (const text of [
      '[{"hosts":["a.example"]},{"hosts":["b.example","A.example."]}]',
      '[{"hosts":["a.example","a.example:8443"]}]',
      '[{"hosts":["*.a.example"]},{"hosts":["*.a.example:1"]}]',
    ]) {
      expect(complaints(text), text).to.have.lengthOf(1)
      expect(complaints(text)[0]).to.contain('each host once')
    }
    expect(complaints('[{"hosts":["a.b.example"]},{"hosts":["*.b.example"]}]')).to.deep.equal([])
  })

  const refused: Readonly<Record<string, [string, string]>> = {
    'text that is not JSON': ['nope', 'ROUTES: got "nope", expected a JSON array of routes'],
    'an object': ['{}', 'ROUTES: got "{}", expected a JSON array of routes'],
    'a member that comes twice': [
      '[{"hosts":["a.example"],"hosts":["b.example"]}]',
      'expected JSON that names every member once (line 1: "hosts" comes again)',
    ],
    'no hosts': ['[{}]', 'ROUTES[0].hosts: got "", expected at least one partner host'],
    'an empty list of hosts': ['[{"hosts":[]}]', 'expected a list of 1 to 100 strings'],
    'hosts as text': ['[{"hosts":"a.example"}]', 'expected a list of 1 to 100 strings'],
    'a number as host': ['[{"hosts":[1]}]', 'ROUTES[0].hosts[0]: got "1", expected a string; quote it'],
    'eleven audiences': [route({ audience: Array(11).fill('a') }), 'expected a list of 1 to 10 strings'],
    'an empty audience': [
      route({ audience: [''] }),
      'expected an audience of 1 to 1000 characters, none of them a control character',
    ],
    'an audience of 1001 characters': [
      route({ audience: ['a'.repeat(1001)] }),
      'expected an audience of 1 to 1000 characters, none of them a control character',
    ],
    'an audience with a line feed': [
      route({ audience: ['sts\n.example'] }),
      'expected an audience of 1 to 1000 characters, none of them a control character',
    ],
    'a duration over an hour': [route({ durationSeconds: 3601 }), 'expected a whole number from 60 to 3600'],
    'a fractional duration': [route({ durationSeconds: 60.5 }), 'expected a whole number from 60 to 3600'],
    'a negative duration': [route({ durationSeconds: -60 }), 'expected a whole number from 60 to 3600'],
    'a timeout of zero': [route({ timeoutSeconds: 0 }), 'expected a whole number from 1 to 3600'],
    'a timeout over an hour': [route({ timeoutSeconds: 3601 }), 'expected a whole number from 1 to 3600'],
    'an unknown algorithm': [route({ signingAlgorithm: 'HS256' }), 'expected RS256 or ES384'],
    'tags as a list': [route({ tags: ['a'] }), 'expected at most 50 tags'],
    'fifty-one tags': [
      route({ tags: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`k${n}`, 'v'])) }),
      'expected at most 50 tags',
    ],
    'a number as tag': [route({ tags: { a: 1 } }), 'ROUTES[0].tags.a: got "1", expected a quoted string'],
    'a tag with a forbidden character': [route({ tags: { 'a*': 'b' } }), 'ROUTES[0].tags.a*'],
    'a tag value of 257 characters': [route({ tags: { a: 'b'.repeat(257) } }), 'ROUTES[0].tags.a'],
    'a tag in two cases': [route({ tags: { a: 'x', A: 'y' } }), 'ROUTES[0].tags.A'],
    'a header as text': [route({ header: 'Authorization' }), 'expected {name: a header name'],
    'a header with a space': [route({ header: { name: 'X Y' } }), 'expected a header name'],
    'a scheme with a space': [route({ header: { scheme: 'a b' } }), 'expected an authentication scheme'],
    'an unknown field of a header': [route({ header: { value: 'x' } }), 'expected one of name, scheme'],
    'an unknown onExisting': [route({ onExisting: 'drop' }), 'expected replace or keep or reject'],
    'an unknown https': [route({ https: 'allow' }), 'expected refuse or tunnel'],
    'a relative caFile': [route({ caFile: 'ca.pem' }), 'expected an absolute path'],
    'an empty name': [route({ name: '' }), 'expected 1 to 260 letters'],
  }
  for (const [what, [text, message]] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      expect(complaints(text).join('\n')).to.contain(message)
      expect(parse(text).routes).to.deep.equal([])
    })
  }

  for (const name of [
    'Host',
    'connection',
    'Transfer-Encoding',
    'Content-Length',
    'Cookie',
    'Proxy-Authorization',
    'TE',
    'Expect',
  ]) {
    it(`refuses to put the token into ${name}`, () => {
      expect(complaints(route({ header: { name } })).join()).to.contain(
        'not a framing, hop-by-hop, Host, Cookie or Proxy-* header',
      )
    })
  }

  it('treats keys of the object prototype as ordinary unknown keys and tags', () => {
    expect(complaints('[{"hosts":["a.example"],"__proto__":{"caFile":"/x"}}]').join()).to.contain('ROUTES[0].__proto__')
    expect(parse('[{"hosts":["a.example"],"tags":{"__proto__":"v"}}]').routes[0]?.tags).to.have.property(
      '__proto__',
      'v',
    )
  })

  it('names the source of each field as the caller says', () => {
    const problems: Problem[] = []
    const built = buildRoute(
      { hosts: ['localhost'] },
      (field) => `outbound-jwt.io/${field}`,
      (problem) => problems.push(problem),
    )
    expect(built).to.equal(undefined)
    expect(problems.map(({ where }) => where)).to.deep.equal(['outbound-jwt.io/hosts[0]'])
  })
})
