import { expect } from 'chai'
import { describe, it } from 'mocha'
import { parseAnnotations } from '../../../../webhook/src/injection/annotations/raw-annotations.ts'
import { planRoutes } from '../../../../webhook/src/injection/annotations/routes.ts'
import type { Steering } from '../../../../webhook/src/injection/annotations/steering.ts'
import { readSteering } from '../../../../webhook/src/injection/annotations/steering.ts'
import { collect } from '../../../support/injection/problems.ts'

const read = (
  texts: Readonly<Record<string, string>>,
  mode: 'proxy' | 'hosts' = 'proxy',
): { readonly value: Steering | undefined; readonly complaints: readonly string[] } =>
  collect((report) => {
    const annotations = new Map(Object.entries(texts))
    const values = parseAnnotations(annotations, report)
    return readSteering(planRoutes(values, annotations, 'refuse', report), mode, { values, annotations, report })
  })

describe('steering', () => {
  it('is what the pod says, else what the operator says', () => {
    const hosts = 'a.example'
    expect(read({ hosts }).value).to.equal(undefined)
    expect(read({ hosts, steering: 'proxy' }, 'hosts').value).to.equal(undefined)
    expect(read({ hosts }, 'hosts').value).to.deep.equal({ hosts: ['a.example'], ports: [80] })
    expect(read({ hosts, steering: 'hosts' }).value).to.deep.equal({ hosts: ['a.example'], ports: [80] })
  })

  it('takes port 80 and the TLS ports of intercepted routes alone, each once', () => {
    const routes =
      '[{hosts: [a.example:9443, b.example, c.example], https: intercept}, {hosts: [d.example:8443]}, {hosts: [e.example:81], https: intercept}]'
    expect(read({ routes, steering: 'hosts' })).to.deep.equal({
      value: { hosts: ['a.example', 'b.example', 'c.example', 'd.example', 'e.example'], ports: [80, 81, 443, 9443] },
      complaints: [],
    })
  })

  it('keeps the ports of the sidecar, wherever its author put them', () => {
    const asked = { steering: 'hosts', https: 'intercept', 'proxy-port': '16400', hosts: 'a.example:15400' }
    expect(read(asked).complaints).to.deep.equal([])
    expect(read({ ...asked, hosts: 'a.example:16400' }).complaints).to.deep.equal([
      'outbound-jwt.io/hosts: got "a.example:16400", expected a port other than 16400, on which the sidecar already listens; or outbound-jwt.io/steering set to proxy',
    ])
    expect(read({ ...asked, hosts: 'a.example:80' }).complaints).to.have.lengthOf(1)
    expect(read({ ...asked, https: 'refuse', hosts: 'a.example:16400' }).complaints).to.deep.equal([])
  })

  it('names the annotation that a partner came from', () => {
    const asked = { steering: 'hosts', https: 'intercept', audience: 'https://a.example:15402' }
    expect(read(asked).complaints[0]).to.match(/^outbound-jwt\.io\/audience\[0\]: got "a\.example:15402"/)
  })
})
