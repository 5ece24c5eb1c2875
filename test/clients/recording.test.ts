import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Recording } from './cases.ts'
import { MODES } from './cases.ts'
import { CLIENTS } from './clients.ts'
import { differences } from './differences.ts'
import { wayOf } from './tap.ts'

const recording = JSON.parse(readFileSync(join(import.meta.dirname, 'results.json'), 'utf8')) as Recording

describe('the recorded client matrix', () => {
  it('has a row, or a reason for none, for every client', () => {
    const named = [...recording.rows, ...recording.skipped].map(({ client }) => client)
    expect(named).to.have.members(CLIENTS.map(({ name }) => name))
    for (const { reason } of recording.skipped) expect(reason).not.to.equal('')
  })

  for (const { client, observations } of recording.rows)
    it(`${client} left as expected, got through, and never tried in a loop`, () => {
      const { expected } = CLIENTS.find(({ name }) => name === client)!
      const { refuse, intercept, hosts } = observations
      expect(refuse).to.have.all.keys(...MODES.refuse.cases)
      expect(intercept).to.have.all.keys(...MODES.intercept.cases)
      expect(hosts).to.have.all.keys(...MODES.hosts.cases)
      expect({ partner: refuse.partner.way, partnerTls: refuse.partnerTls.way }).to.deep.equal(expected)
      for (const { attempts } of [...Object.values(refuse), ...Object.values(intercept), ...Object.values(hosts)])
        expect(attempts).to.be.lessThan(6)
      const { localhost, address, service, metadata, podIdentity } = refuse
      for (const { way } of [localhost, address, service, metadata, podIdentity]) expect(way).to.equal('direct')
    })

  it('is compared by way, attempts and status', () => {
    expect(differences(recording, recording)).to.be.empty
    const [first] = recording.rows
    const { refuse, ...others } = first!.observations
    const changed = { refuse: { ...refuse, partner: { way: 'none', attempts: 0, status: null } }, ...others } as const
    const rows = [
      { ...first!, version: '0', observations: changed },
      { ...first!, client: 'another' },
    ]
    expect(differences(recording, { rows, skipped: [] })).to.have.lengthOf(2)
  })
})

describe('wayOf', () => {
  const tapped = (line: string, status?: number, inner?: number): Parameters<typeof wayOf>[0] => [
    { line, status, inner },
  ]
  it('reads the wire', () => {
    expect(wayOf([], true)).to.equal('direct')
    expect(wayOf([], false)).to.equal('none')
    expect(wayOf(tapped('GET http://a/ HTTP/1.1', 200), true)).to.equal('absolute')
    expect(wayOf(tapped('CONNECT a:443 HTTP/1.1', 403), false)).to.equal('connect-refused')
    expect(wayOf(tapped('CONNECT a:443 HTTP/1.1', 200, 0x16), true)).to.equal('connect')
    expect(wayOf(tapped('CONNECT a:80 HTTP/1.1', 200, 0x47), true)).to.equal('connect-plain')
  })
})
