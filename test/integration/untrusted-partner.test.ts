import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { call } from '../support/proxy/client.ts'
import type { Stack } from '../support/stack/stack.ts'
import { startStack } from '../support/stack/stack.ts'

describe('a partner whose certificate nobody vouches for', () => {
  let stack: Stack
  before(async () => {
    // An empty variable is an unset one: the public authorities.
    stack = await startStack({ environment: { UPSTREAM_CA_FILE: '', NODE_TLS_REJECT_UNAUTHORIZED: '0' } })
  })
  after(() => stack.close())

  it('gets no token, whatever NODE_TLS_REJECT_UNAUTHORIZED says', async () => {
    const { status, headers } = await call(stack.proxyPort, stack.url)
    expect([status, headers['x-outbound-jwt-error']]).to.deep.equal([502, 'upstream_tls_failed'])
  })
})
