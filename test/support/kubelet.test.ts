import { expect } from 'chai'
import { describe, it } from 'mocha'
import { containerEnvironment } from './kubelet.ts'

describe('container environment, as a kubelet makes it', () => {
  it('expands what is defined before and leaves the rest', () => {
    const env = containerEnvironment(
      [
        { name: 'A', value: '$(HOST):$(B)' },
        { name: 'B', value: '$$(A) $(A)' },
      ],
      {},
      { HOST: 'h' },
    )
    expect(env).to.deep.equal({ HOST: 'h', A: 'h:$(B)', B: '$(A) h:$(B)' })
  })

  it('reads fields of the pod', () => {
    const env = [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }]
    expect(containerEnvironment(env, { 'metadata.name': 'p' })).to.deep.equal({ POD: 'p' })
    expect(() => containerEnvironment(env, {})).to.throw('POD needs')
  })
})
