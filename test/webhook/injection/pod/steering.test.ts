import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createRefusals } from '../../../../webhook/src/injection/outcome.ts'
import { readPod } from '../../../../webhook/src/injection/pod/pod.ts'
import { rejectUnsteerable, steeringOperations } from '../../../../webhook/src/injection/pod/steering.ts'
import { at } from '../../../support/injection/object.ts'
import type { Json } from '../../../support/injection/object.ts'
import { applyPatch } from '../../../support/json-patch.ts'

const STEERING = { hosts: ['a.example', 'b.example'], ports: [80] }
const NAME = 'net.ipv4.ip_unprivileged_port_start'

const steered = (spec: Json): Json => {
  const pod = { spec }
  return applyPatch<Json>(pod, steeringOperations(readPod(pod), STEERING))
}
const reasons = (spec: Json): readonly (string | undefined)[] => {
  const refusals = createRefusals()
  rejectUnsteerable(readPod({ spec }), STEERING, false, refusals)
  return refusals.problems.length === 0 ? [] : [refusals.reason(), ...refusals.problems.map(({ value }) => value)]
}

describe('what leads the names of partners to the sidecar', () => {
  it('is made where there is nothing, null or an empty list', () => {
    for (const spec of [{}, { hostAliases: null, securityContext: null }, { hostAliases: [], securityContext: {} }])
      expect(steered(spec)).to.deep.equal({
        spec: {
          hostAliases: [
            { ip: '127.0.0.1', hostnames: STEERING.hosts },
            { ip: '::1', hostnames: STEERING.hosts },
          ],
          securityContext: { sysctls: [{ name: NAME, value: '0' }] },
        },
      })
  })

  it('goes into the entries that the pod has for these addresses', () => {
    const { spec } = steered({
      hostAliases: [
        { ip: '::1' },
        { ip: '192.0.2.1', hostnames: ['c.example'] },
        { ip: '127.0.0.1', hostnames: ['d.example'] },
      ],
    })
    expect(at(spec, 'hostAliases')).to.deep.equal([
      { ip: '::1', hostnames: STEERING.hosts },
      { ip: '192.0.2.1', hostnames: ['c.example'] },
      { ip: '127.0.0.1', hostnames: ['d.example', ...STEERING.hosts] },
    ])
  })

  it('sets the sysctl once, also when the pod spells it with slashes', () => {
    for (const name of [NAME, NAME.replaceAll('.', '/')]) {
      const securityContext = { sysctls: [{ name, value: '0' }] }
      expect(at(steered({ securityContext }), 'spec', 'securityContext')).to.deep.equal(securityContext)
      expect(reasons({ securityContext })).to.deep.equal([])
    }
  })

  it('is refused where the pod says something else of a name or of the sysctl', () => {
    const hostAliases = [{ ip: '127.0.0.1', hostnames: ['x.example', 'B.Example'] }]
    expect(reasons({ hostAliases })).to.deep.equal(['host-alias-conflict', 'B.Example'])
    for (const value of ['1', '1024', '00', ''])
      expect(reasons({ securityContext: { sysctls: [{ name: NAME, value }] } })).to.deep.equal([
        'sysctl-conflict',
        value,
      ])
    expect(reasons({ securityContext: { sysctls: [{ name: NAME, value: 0 }] } })).to.deep.equal([
      'sysctl-conflict',
      undefined,
    ])
  })
})
