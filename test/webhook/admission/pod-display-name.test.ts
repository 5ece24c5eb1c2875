import { expect } from 'chai'
import { describe, it } from 'mocha'
import { podDisplayName } from '../../../webhook/src/admission/pod-display-name.ts'

describe('what a pod is called in logs', () => {
  for (const [what, pod, label] of [
    [
      'its owner',
      { metadata: { name: 'a', ownerReferences: [{ kind: 'ReplicaSet', name: 'orders' }] } },
      'ReplicaSet/orders',
    ],
    ['its owner without a name', { metadata: { ownerReferences: [{ kind: 'Job' }] } }, 'Job/unnamed'],
    ['its name', { metadata: { name: 'orders-1', ownerReferences: [] } }, 'orders-1'],
    ['its generateName', { metadata: { generateName: 'orders-' } }, 'orders-'],
    ['nothing, without metadata', {}, 'unnamed'],
    ['nothing, as null', null, 'unnamed'],
    ['nothing, when names are no texts', { metadata: { name: 7, generateName: '' } }, 'unnamed'],
    ['nothing, when metadata is inherited', Object.create({ metadata: { name: 'a' } }), 'unnamed'],
    ['at most 300 characters', { metadata: { name: 'a'.repeat(1000) } }, 'a'.repeat(300)],
  ] as const) {
    it(`is ${what}`, () => expect(podDisplayName(pod)).to.equal(label))
  }
})
