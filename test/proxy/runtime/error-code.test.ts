import { once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { errorCode } from '../../../proxy/src/runtime/index.ts'
import { freePort } from '../../support/port.ts'

describe('the code of an error', () => {
  it('is the one of the first address where a connection failed at several', async () => {
    const port = await freePort()
    const addresses = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }))
    const socket = connect({ port, host: 'partner.example', lookup: (_, __, done) => done(null, addresses) })
    const error: unknown = await once(socket, 'connect').catch((failure: unknown) => failure)
    expect(error).to.be.instanceOf(AggregateError)
    expect(errorCode(error)).to.equal('ECONNREFUSED')
  })

  it('is undefined for an error without one, a code that is not text, and what is no error', () => {
    const numbered = Object.assign(new Error('a number'), { code: 7 })
    for (const thrown of [new Error('no code'), numbered, { code: 'ENOENT' }, 'ENOENT', null, undefined])
      expect(errorCode(thrown)).to.equal(undefined)
  })
})
