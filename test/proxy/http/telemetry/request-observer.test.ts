import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import { call, errorOf, open, read, response } from '../../../support/proxy/client.ts'
import { TEST_TOKEN } from '../../../support/proxy/tokens.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

describe('requests in flight', () => {
  it('are counted from the head of the request to the end of the response', async () => {
    const upstream = await startUpstream((request, reply) => request.pipe(reply))
    const proxy = await startTestProxy()
    const inFlight = async (): Promise<string | undefined> =>
      /^outbound_jwt_requests_in_flight (\d+)$/m.exec(await proxy.metrics())?.[1]
    try {
      expect(await inFlight()).to.equal('0')
      const outgoing = open(proxy.port, `http://other.example:${upstream.port}/`, { method: 'POST' })
      outgoing.flushHeaders()
      await until('the request is under way', async () => (await inFlight()) === '1')
      outgoing.end()
      await read(await response(outgoing))
      await until('it is over', async () => (await inFlight()) === '0')
    } finally {
      await proxy.close()
      await upstream.close()
    }
  })
})

const HOST = 'api.partner.example'

describe('a token that the partner refuses', () => {
  it('is told once in a while, with the words of the partner, and never the token', async () => {
    const authority = await createTestAuthority()
    const partner = await startUpstream(
      (request, reply) => {
        const challenge = `Bearer error="invalid_token", error_description="${request.headers.authorization ?? ''} is of an unknown issuer"`
        reply.writeHead(request.url === '/403' ? 403 : 401, { 'WWW-Authenticate': challenge }).end()
      },
      await authority.issue([HOST]),
    )
    const proxy = await startTestProxy({
      ca: authority.ca,
      routes: [{ name: 'partner', hosts: [`${HOST}:${partner.port}`] }],
    })
    try {
      for (const path of ['/a?secret=1', '/403']) await call(proxy.port, `http://${HOST}${path}`)
      const lines = proxy
        .log()
        .split('\n')
        .filter((line) => line.includes('the partner refused the token'))
      expect(lines).to.have.lengthOf(1)
      const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>
      expect(line).to.include({ level: 'warn', route: 'partner', path: '/a', status: 401 })
      expect(line['challenge']).to.match(/^error="invalid_token", .*is of an unknown issuer"$/)
      expect(proxy.log()).not.to.include(TEST_TOKEN)
    } finally {
      await proxy.close()
      await partner.close()
    }
  })

  it('is not told of hosts without a rule, which get none', async () => {
    const upstream = await startUpstream((_, reply) => reply.writeHead(401).end())
    const proxy = await startTestProxy()
    try {
      await call(proxy.port, `http://other.example:${upstream.port}/`)
      expect(proxy.log()).not.to.include('refused the token')
    } finally {
      await proxy.close()
      await upstream.close()
    }
  })
})

describe('a host without a rule that cannot be reached', () => {
  it('is not called a partner', async () => {
    const proxy = await startTestProxy({ routes: [{ hosts: ['api.partnr.example'] }], addresses: {} })
    try {
      const { message, hint } = errorOf(await call(proxy.port, `http://${HOST}/`))
      expect(message).to.equal(
        `The name does not resolve (ENOTFOUND). It has no rule: it was called at http://${HOST}, without a token.`,
      )
      expect(hint).to.match(/^A partner\? Name it in outbound-jwt\.io\/hosts/)
    } finally {
      await proxy.close()
    }
  })
})
