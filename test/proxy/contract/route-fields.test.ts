import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readTrustAnchors } from '../../../proxy/src/anchors.ts'
import { readConfig } from '../../../proxy/src/config.ts'
import type { Route } from '../../../proxy/src/contract.ts'
import { ROUTE_DEFAULTS, ROUTE_FIELDS, ROUTE_FIELD_NAMES, formatRoutes } from '../../../proxy/src/contract.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import { call } from '../../support/proxy/client.ts'
import { startTestProxy } from '../../support/proxy/proxy.ts'
import { connectThrough } from '../../support/proxy/tunnel.ts'
import { startUpstream } from '../../support/proxy/upstream.ts'

const HOST = 'api.partner.example'

describe('every field of a route', () => {
  it('is read by the proxy while it starts and serves one request and one CONNECT', async () => {
    const used = new Set<PropertyKey>()
    const watch = (route: Route): Route =>
      new Proxy(route, {
        get: (target, name, receiver): unknown => {
          used.add(name)
          return Reflect.get(target, name, receiver)
        },
        ownKeys: () => expect.fail('a copy of a whole route hides which of its fields are used'),
      })
    const authority = await createTestAuthority()
    const partner = await startUpstream((_, reply) => reply.end(), await authority.issue([HOST]))
    const target = `${HOST}:${partner.port}`
    const proxy = await startTestProxy({ ca: authority.ca, routes: [{ hosts: [target] }], watch })
    try {
      const config = readConfig({ ROUTES: JSON.stringify([{ hosts: [target], caFile: '/ca.pem' }]) })
      readTrustAnchors({ ...config, routes: config.routes.map(watch) }, () => authority.ca)
      expect(await call(proxy.port, `http://${target}/`)).to.include({ status: 200 })
      const { status, socket } = await connectThrough(proxy.port, target)
      socket.destroy()
      expect(status).to.equal(403)
    } finally {
      await Promise.all([proxy.close(), partner.close()])
    }
    expect(ROUTE_FIELD_NAMES.filter((name) => !used.has(name))).to.deep.equal([])
  })

  it('has a default that its own parser takes', () => {
    const route: Route = { ...ROUTE_DEFAULTS, name: 'a.example', hosts: ['a.example'] }
    expect(formatRoutes([route])).to.equal('[{"hosts":["a.example"]}]')
    for (const [name, value] of Object.entries(ROUTE_DEFAULTS)) {
      // An author cannot write the audience "of the host that is called".
      if (name === 'audience') continue
      const parsed = ROUTE_FIELDS[name as keyof Route].parse(value, name, ({ allowed }) => expect.fail(allowed))
      expect(parsed).to.deep.equal(value)
    }
  })

  it('has a sentence for the docs wherever an author can write it', () => {
    for (const { written, annotation } of Object.values(ROUTE_FIELDS))
      for (const row of [written, annotation]) if (row) expect(row.doc).to.match(/^[A-Z`].*\.$/)
  })
})
