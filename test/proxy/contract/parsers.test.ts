import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Parser } from '../../../proxy/src/contract.ts'
import { boolean, csv, duration, integer, oneOf, optional } from '../../../proxy/src/contract.ts'

interface Cases {
  readonly parse: Parser<unknown>
  readonly good: Readonly<Record<string, unknown>>
  readonly bad: readonly string[]
  readonly allowed: string
}

const PARSERS: Readonly<Record<string, Cases>> = {
  boolean: {
    parse: boolean,
    good: { true: true, false: false },
    bad: ['', 'yes', 'TRUE', '1'],
    allowed: 'true or false',
  },
  oneOf: { parse: oneOf('a', 'b'), good: { a: 'a', b: 'b' }, bad: ['', 'A', 'ab', 'constructor'], allowed: 'a or b' },
  integer: {
    parse: integer(5, 10),
    good: { '5': 5, '10': 10, '07': 7 },
    bad: ['', '4', '11', '5.5', '-6', '1e1', '0x6', ' 6', 'NaN'],
    allowed: 'a whole number from 5 to 10',
  },
  duration: {
    parse: duration(60, 3600),
    good: { '60': 60, '900s': 900, '15m': 900, '1h': 3600 },
    bad: ['', '59', '59s', '3601', '2h', '1.5m', '15 m', '15M', 'm', '-60', '1m30s'],
    allowed: 'a duration from 60s to 3600s, such as 15m, 900s or 900',
  },
  csv: {
    parse: csv(integer(1, 9)),
    good: { '1': [1], '1, 2 ,3': [1, 2, 3] },
    bad: ['', '1,', ',1', '1,,2', '1,10'],
    allowed: 'comma separated items',
  },
  optional: {
    parse: optional(integer(1, 9)),
    good: { '': undefined, '1': 1 },
    bad: ['10'],
    allowed: 'a whole number from 1 to 9',
  },
}

for (const [name, { parse, good, bad, allowed }] of Object.entries(PARSERS)) {
  describe(`parser ${name}`, () => {
    for (const [text, value] of Object.entries(good)) {
      it(`accepts ${JSON.stringify(text)}`, () => expect(parse(text)).to.deep.equal({ ok: true, value }))
    }
    for (const text of bad) {
      it(`refuses ${JSON.stringify(text)} and says what is allowed`, () => {
        const parsed = parse(text)
        expect(parsed.ok).to.equal(false)
        expect(parsed).to.have.property('allowed').that.contains(allowed)
      })
    }
  })
}

describe('parser csv', () => {
  it('says what each item may be', () => {
    expect(csv(integer(1, 9))('1,10')).to.deep.equal({
      ok: false,
      allowed: 'comma separated items, each a whole number from 1 to 9',
    })
  })
})
