import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { readPod } from '../../../webhook/src/injection/pod/pod.ts'
import { findInjected, formatStatus, hashInputs } from '../../../webhook/src/injection/status.ts'

const pod = (status: unknown, name = 'aws-outbound-jwt-proxy'): ReturnType<typeof readPod> =>
  readPod({ metadata: { annotations: { 'outbound-jwt.io/status': status } }, spec: { initContainers: [{ name }] } })

describe('status', () => {
  it('hashes the annotations whatever their order, and nothing else', () => {
    const entries = fc.uniqueArray(fc.tuple(fc.string(), fc.string()), { selector: ([key]) => key, maxLength: 6 })
    fc.assert(
      fc.property(entries, (pairs) => {
        expect(hashInputs(new Map(pairs))).to.equal(hashInputs(new Map(pairs.toReversed())))
        expect(hashInputs(new Map([...pairs, ['one more', '']]))).not.to.equal(hashInputs(new Map(pairs)))
      }),
    )
    expect(hashInputs(new Map([['a', 'b']]))).to.match(/^[0-9a-f]{16}$/)
    // Pods that other versions injected have it.
    expect(hashInputs(new Map(Object.entries({ inject: 'true', hosts: 'api.partner.example' })))).to.equal(
      '07e8a88e2ccb1406',
    )
    expect(hashInputs(new Map([['a,b', 'c']]))).not.to.equal(hashInputs(new Map([['a', 'b,c']])))
  })

  it('is read back from what it wrote', () => {
    const keys = new Map([['inject', 'true']])
    expect(
      findInjected(pod(formatStatus({ version: '1.2.3', inputs: hashInputs(keys), warnings: ['careful'] })))?.status,
    ).to.deep.equal({
      version: '1.2.3',
      inputs: hashInputs(keys),
      warnings: ['careful'],
    })
  })

  it('counts only beside our container, and only when it can be read', () => {
    const status = formatStatus({ version: '1.2.3', inputs: hashInputs(new Map()), warnings: [] })
    expect(findInjected(pod(status, 'other'))).to.equal(undefined)
    for (const other of [
      undefined,
      null,
      5,
      '',
      'injected',
      '[]',
      'null',
      '{"inputs":7}',
      '{}',
      `{"inputs":"${'x'.repeat(17_000)}"}`,
      '['.repeat(16_000),
    ])
      expect(findInjected(pod(other)), String(other)).to.equal(undefined)
  })
})
