import { expect } from 'chai'
import { describe, it } from 'mocha'
import { ANNOTATIONS } from '../../../../webhook/src/injection/annotations/annotations.ts'
import { parseAnnotations, readRawAnnotations } from '../../../../webhook/src/injection/annotations/raw-annotations.ts'
import { nearest } from '../../../../webhook/src/injection/annotations/nearest.ts'
import { collect } from '../../../support/injection/problems.ts'

describe('keys of ours', () => {
  it('are those with our prefix, as written, but for the status', () => {
    const keys = readRawAnnotations({
      'outbound-jwt.io/inject': 'true',
      'outbound-jwt.io/status': '{}',
      'outbound-jwt.io/hosts': 5,
      'outbound-jwt.io.example/inject': 'true',
      'x.outbound-jwt.io/inject': 'true',
      inject: 'true',
    })
    expect([...keys]).to.deep.equal([
      ['inject', 'true'],
      ['hosts', 5],
    ])
  })

  it('are all of those that there are, wherever they stand, and the first 40 of all others', () => {
    const unknown = Array.from({ length: 15_000 }, (_, index) => [`outbound-jwt.io/key-${index}`, 'x'] as const)
    const keys = readRawAnnotations({
      'outbound-jwt.io/hosts': 'a.example',
      ...Object.fromEntries(unknown),
      'outbound-jwt.io/inject': 'true',
    })
    const first = Array.from({ length: 40 }, (_, index) => `key-${index}`)
    expect([...keys.keys()]).to.deep.equal(['hosts', ...first, 'inject'])
  })

  it('have their default when they are absent, where that is a value', () => {
    const values = parseAnnotations(new Map(), () => expect.fail('nothing is wrong'))
    expect(values).to.deep.equal({
      'no-proxy': [],
      'env-policy': 'refuse',
      runtimes: ['node'],
      'proxy-port': 15400,
      'admin-port': 15401,
    })
  })

  it('report every mistake, and keep what is right', () => {
    const { value, complaints } = collect((report) =>
      parseAnnotations(
        new Map<string, unknown>(Object.entries({ inject: 'true', hots: 'a', duration: 'x', region: 7 })),
        report,
      ),
    )
    expect(value).to.include({ inject: 'true', duration: undefined })
    expect(complaints).to.have.lengthOf(3)
  })
})

describe('nearest', () => {
  const names = Object.keys(ANNOTATIONS)

  it('finds what a misspelt name most probably meant', () => {
    for (const [name, meant] of Object.entries({
      host: 'hosts',
      HOSTS: 'hosts',
      audiences: 'audience',
      signingAlgorithm: 'signing-algorithm',
      signing_algorithm: 'signing-algorithm',
      skipcontainers: 'skip-containers',
      'role-arm': 'role-arn',
      roleArn: 'role-arn',
      'log-lvl': 'log-level',
      noproxy: 'no-proxy',
    }))
      expect(nearest(name, names), name).to.equal(meant)
  })

  it('finds none where none is close, or where the name is too long to be a mistake', () => {
    for (const name of ['colour', 'zzzzzz', 'kubernetes', 'x'.repeat(41), 'hosts'.repeat(9)])
      expect(nearest(name, names), name).to.equal(undefined)
  })

  it('prefers the first of equals', () => {
    expect(nearest('b', ['ab', 'cb'])).to.equal('ab')
  })
})
