import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { duration } from '../../../proxy/src/contract.ts'
import { goBoolean, goDuration, oneOfAnyCase } from '../../../proxy/src/standalone/go-values.ts'

const seconds = goDuration(0, 1e9)

describe('a duration in the form of Go', () => {
  const written: Readonly<Record<string, number>> = {
    '1h30m': 5400,
    '1.5h': 5400,
    '90s': 90,
    '500ms': 0.5,
    '.5s': 0.5,
    '1.s': 1,
    '1m1s1ms': 61.001,
    '2m2m': 240,
    '900': 900,
    '0': 0,
    '0s': 0,
  }
  for (const [text, value] of Object.entries(written))
    it(`reads ${text} as ${value} s`, () => {
      expect(seconds(text)).to.deep.equal({ ok: true, value })
    })

  for (const text of ['', 's', '1', '-1s', '+1s', '1.5', '1d', '1h 30m', '1e3s', '1S', '.s', '1us', '1h30', ' 1s'])
    it(`refuses ${JSON.stringify(text)} below its bounds or form`, () => {
      expect(goDuration(60, 3600)(text)).to.deep.equal({
        ok: false,
        allowed: 'a duration from 60s to 3600s, such as 1h30m, 90s or 900 (seconds)',
      })
    })

  it('keeps its bounds, both included', () => {
    const parse = goDuration(60, 3600)
    expect(parse('60s')).to.include({ ok: true })
    expect(parse('1h')).to.include({ ok: true })
    expect(parse('59.999s')).to.include({ ok: false })
    expect(parse('1h1ms')).to.include({ ok: false })
  })

  it('reads whatever the annotations read, as the same', () => {
    const annotation = duration(1, 3600)
    const proxy = goDuration(1, 3600)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4000 }), fc.constantFrom('', 's', 'm', 'h'), (amount, unit) => {
        const before = annotation(`${amount}${unit}`)
        const now = proxy(`${amount}${unit}`)
        expect(now.ok).to.equal(before.ok)
        if (before.ok) expect(now).to.deep.equal(before)
      }),
    )
  })

  it('is the sum of its terms, to the millisecond', () => {
    const term = fc.record({ amount: fc.integer({ min: 0, max: 9999 }), unit: fc.constantFrom('h', 'm', 's', 'ms') })
    const milliseconds = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }
    fc.assert(
      fc.property(fc.array(term, { minLength: 1, maxLength: 6 }), (terms) => {
        const text = terms.map(({ amount, unit }) => `${amount}${unit}`).join('')
        const total = terms.reduce((sum, { amount, unit }) => sum + amount * milliseconds[unit], 0)
        expect(seconds(text)).to.deep.equal({ ok: true, value: total / 1000 })
      }),
    )
  })
})

describe('a boolean in the form of Go', () => {
  for (const text of ['true', 'TRUE', 'True', 't', 'T', '1'])
    it(`reads ${text} as true`, () => {
      expect(goBoolean(text)).to.deep.equal({ ok: true, value: true })
    })
  for (const text of ['false', 'FALSE', 'f', 'F', '0'])
    it(`reads ${text} as false`, () => {
      expect(goBoolean(text)).to.deep.equal({ ok: true, value: false })
    })
  for (const text of ['', 'yes', 'on', '2'])
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(goBoolean(text)).to.deep.equal({ ok: false, allowed: 'true or false' })
    })
})

describe('a word in any case', () => {
  const algorithm = oneOfAnyCase('RS256', 'ES384')
  it('becomes the word as it is listed', () => {
    expect(algorithm('rs256')).to.deep.equal({ ok: true, value: 'RS256' })
    expect(algorithm('Es384')).to.deep.equal({ ok: true, value: 'ES384' })
  })
  it('is one of the list', () => {
    expect(algorithm('none')).to.deep.equal({ ok: false, allowed: 'RS256 or ES384' })
  })
})
