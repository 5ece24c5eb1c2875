import { expect } from 'chai'
import { describe, it } from 'mocha'
import { answerReview, parseReview, refusalMessage } from '../../../webhook/src/admission/review.ts'
import { ReviewError } from '../../../webhook/src/errors.ts'

const REQUEST = { uid: '8f0c', namespace: 'shop', operation: 'CREATE', object: { kind: 'Pod' } }
const review = (change: object): string =>
  JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: REQUEST, ...change })

describe('AdmissionReview, read', () => {
  it('gives the request', () => {
    expect(parseReview(review({}))).to.deep.equal({ ...REQUEST, isPod: true })
  })

  it('takes a request without namespace or operation as empty ones', () => {
    expect(parseReview(review({ request: { uid: '1' } }))).to.deep.equal({
      uid: '1',
      namespace: '',
      operation: '',
      object: undefined,
      isPod: true,
    })
  })

  it('tells pods from everything else a registration may send', () => {
    const isPod = (kind: unknown): boolean => parseReview(review({ request: { ...REQUEST, kind } })).isPod
    expect(isPod({ group: '', version: 'v1', kind: 'Pod' })).to.equal(true)
    for (const kind of [
      { group: 'apps', version: 'v1', kind: 'Deployment' },
      { group: 'x.example', version: 'v1', kind: 'Pod' },
      null,
    ])
      expect(isPod(kind)).to.equal(false)
  })

  for (const [what, body] of [
    ['nothing', ''],
    ['half an object', '{"kind":'],
  ] as const) {
    it(`refuses ${what} as not JSON, and does not repeat it`, () => {
      const error = thrownBy(() => parseReview(body))
      expect(error.code).to.equal('not-json')
      expect(error.status).to.equal(400)
      expect(error.cause).to.equal(undefined)
    })
  }

  it('takes a pod of 1.5 MB as dense as pods are, and refuses one of more values than fit, before it parses', () => {
    const variables = (count: number): string =>
      review({
        request: {
          ...REQUEST,
          operation: 'UPDATE',
          object: Array.from({ length: count }, () => ({ name: 'V', value: 'twelve chars' })),
        },
      })
    expect(variables(50_000)).to.have.length.above(1.5 * 1024 * 1024)
    expect(parseReview(variables(50_000)).object).to.have.length(50_000)
    const error = thrownBy(() => parseReview(variables(100_000)))
    expect([error.code, error.status]).to.deep.equal(['too-large', 413])
    expect(thrownBy(() => parseReview('['.repeat(8 * 1024 * 1024))).code).to.equal('too-large')
  })

  for (const [what, body] of [
    ['null', 'null'],
    ['a list', '[]'],
    ['a text', '"review"'],
    ['another kind', review({ kind: 'Pod' })],
    ['another version', review({ apiVersion: 'admission.k8s.io/v1beta1' })],
    ['no request', review({ request: null })],
    ['a list as request', review({ request: [] })],
    ['no uid', review({ request: { object: {} } })],
    ['an empty uid', review({ request: { uid: '' } })],
    ['a uid that is a number', review({ request: { uid: 1 } })],
    ['a uid longer than any', review({ request: { uid: 'x'.repeat(129) } })],
    ['a namespace longer than any', review({ request: { uid: '1', namespace: 'x'.repeat(129) } })],
    ['a creation of nothing', review({ request: { uid: '1', operation: 'CREATE' } })],
    ['a creation of a text', review({ request: { uid: '1', operation: 'CREATE', object: 'pod' } })],
    ['an operation that is a number', review({ request: { uid: '1', operation: 1 } })],
  ] as const) {
    it(`refuses ${what} as no review`, () => {
      const error = thrownBy(() => parseReview(body))
      expect(error.code).to.equal('not-a-review')
      expect(error.status).to.equal(400)
    })
  }
})

describe('AdmissionReview, answered', () => {
  it('carries a patch as base64 of the operations, and the warnings', () => {
    const patch = [{ op: 'add', path: '/metadata/annotations/a~1b', value: 'c' }] as const
    const answer = answerReview('1', { kind: 'inject', reason: 'injected', patch, warnings: ['careful'] })
    expect(answer).to.deep.equal({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: {
        uid: '1',
        allowed: true,
        auditAnnotations: { decision: 'inject', reason: 'injected' },
        warnings: ['careful'],
        patchType: 'JSONPatch',
        patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
      },
    })
  })

  it('has no patch and no empty list of warnings when the pod is left alone', () => {
    const answer = answerReview('1', { kind: 'allow', reason: 'not-requested', warnings: [] })
    expect(answer)
      .to.have.property('response')
      .that.deep.equals({
        uid: '1',
        allowed: true,
        auditAnnotations: { decision: 'allow', reason: 'not-requested' },
      })
  })

  it('refuses with 422 and every problem', () => {
    const problems = [
      { where: 'outbound-jwt.io/hosts', value: '10.0.0.1', allowed: 'a host name' },
      { where: 'outbound-jwt.io/duration', value: '2h', allowed: '60 s to 1 h' },
    ]
    const refusal = { kind: 'deny', reason: 'invalid-annotation', problems } as const
    const answer = answerReview('1', refusal)
    expect(answer)
      .to.have.property('response')
      .that.deep.equals({
        uid: '1',
        allowed: false,
        auditAnnotations: { decision: 'deny', reason: 'invalid-annotation' },
        status: { code: 422, reason: 'Invalid', message: refusalMessage(refusal) },
      })
    expect(refusalMessage(refusal)).to.equal(
      'aws-outbound-jwt-injector refused the pod: 2 problems: ' +
        '(1) outbound-jwt.io/hosts: got "10.0.0.1", expected a host name ' +
        '(2) outbound-jwt.io/duration: got "2h", expected 60 s to 1 h',
    )
  })

  it('names the reason of a single problem first, and never breaks the line, which kubectl would cut there', () => {
    const problems = [{ where: 'outbound-jwt.io/hosts', value: 'a\nb', allowed: 'a host name' }]
    expect(refusalMessage({ kind: 'deny', reason: 'invalid-annotation', problems })).to.match(
      /^aws-outbound-jwt-injector refused the pod \(invalid-annotation\): outbound-jwt\.io\/hosts: got ".+", expected a host name$/,
    )
  })
})

function thrownBy(action: () => unknown): ReviewError {
  try {
    action()
  } catch (error) {
    if (error instanceof ReviewError) return error
    throw error
  }
  return expect.fail('nothing was thrown')
}
