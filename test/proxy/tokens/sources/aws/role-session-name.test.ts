import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { roleSessionName } from '../../../../../proxy/src/tokens/sources/aws/role-session-name.ts'

/** Source: the STS API reference, AssumeRoleWithWebIdentity, RoleSessionName. */
const VALID = /^[\w+=,.@-]{2,64}$/

describe('the name of an AWS session', () => {
  it('is the pod after its namespace', () => {
    expect(roleSessionName('shop', 'orders-7f9c-abcde')).to.equal('shop.orders-7f9c-abcde')
  })

  it('keeps the end of what is too long: it tells the pods of a Deployment apart', () => {
    const name = roleSessionName('shop', `${'orders-'.repeat(12)}abcde`)
    expect(name).to.have.lengthOf(64)
    expect(name.endsWith('-abcde')).to.equal(true)
  })

  it('has a stand-in where the pod is not known', () => {
    expect(roleSessionName('', '')).to.equal('aws-outbound-jwt-proxy')
    expect(roleSessionName('', 'x')).to.equal('aws-outbound-jwt-proxy')
    expect(roleSessionName('shop', '')).to.equal('shop')
  })

  it('is one STS accepts, whatever the pod is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (namespace, pod) => {
        expect(roleSessionName(namespace, pod)).to.match(VALID)
      }),
    )
  })
})
