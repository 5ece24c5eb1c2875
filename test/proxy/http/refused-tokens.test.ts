import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createTestAuthority } from '../../support/certificates.ts'
import { call } from '../../support/proxy/client.ts'
import { startTestProxy } from '../../support/proxy/proxy.ts'
import { TEST_TOKEN } from '../../support/proxy/tokens.ts'
import { startUpstream } from '../../support/proxy/upstream.ts'

const HOST = 'api.partner.example'
const INVALID = 'Bearer realm="x", error="invalid_token", error_description="revoked"'
const CASES: readonly (readonly [number, string, boolean])[] = [
  [401, INVALID, true],
  [401, 'Basic, Bearer error=invalid_token', true],
  [401, 'Bearer realm="x"', false],
  [401, 'Bearer error="insufficient_scope"', false],
  [403, INVALID, false],
  [200, INVALID, false],
]

describe('a partner that does not accept the token', () => {
  it('is believed when it answers 401 invalid_token; the answer is handed on, and nothing is sent again', async () => {
    const authority = await createTestAuthority()
    const answers = CASES.map(([status, challenge]) => ({ status, challenge }))
    let seen = 0
    const partner = await startUpstream(
      (_, reply) => {
        const { status = 500, challenge = '' } = answers[seen++] ?? {}
        reply.writeHead(status, { 'WWW-Authenticate': challenge }).end()
      },
      await authority.issue([HOST]),
    )
    const proxy = await startTestProxy({ ca: authority.ca, routes: [{ hosts: [`${HOST}:${partner.port}`] }] })
    try {
      for (const [status, challenge, refused] of CASES) {
        proxy.tokens.rejected.length = 0
        const reply = await call(proxy.port, `http://${HOST}/`)
        expect([reply.status, reply.headers['www-authenticate']]).to.deep.equal([status, challenge])
        expect(proxy.tokens.rejected, `${status} ${challenge}`).to.deep.equal(refused ? [TEST_TOKEN] : [])
      }
      expect(seen).to.equal(CASES.length)
    } finally {
      await proxy.close()
      await partner.close()
    }
  })
})
