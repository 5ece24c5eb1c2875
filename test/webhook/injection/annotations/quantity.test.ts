import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { quantityOf } from '../../../../webhook/src/injection/annotations/quantity.ts'

describe('quantityOf', () => {
  it('reads every form Kubernetes takes, exactly', () => {
    for (const [text, billionths] of Object.entries({
      '0': 0n,
      '1': 10n ** 9n,
      '+1': 10n ** 9n,
      '.5': 5n * 10n ** 8n,
      '1.': 10n ** 9n,
      '100m': 10n ** 8n,
      '1u': 1000n,
      '1n': 1n,
      '0.0000000019': 1n,
      '1k': 10n ** 12n,
      '2M': 2n * 10n ** 15n,
      '1Ki': 1024n * 10n ** 9n,
      '0.5Gi': 2n ** 29n * 10n ** 9n,
      '1e3': 10n ** 12n,
      '1E-3': 10n ** 6n,
      '12e+2': 12n * 10n ** 11n,
      '1Ei': 2n ** 60n * 10n ** 9n,
      '1E': 10n ** 27n,
    }))
      expect(quantityOf(text), text).to.equal(billionths)
    expect(quantityOf(2)).to.equal(2n * 10n ** 9n)
    expect(quantityOf(0.5)).to.equal(5n * 10n ** 8n)
  })

  it('takes nothing else for a quantity', () => {
    for (const value of [
      '',
      '.',
      '+',
      '-1',
      ' 1',
      '1 ',
      '1K',
      '1ki',
      '1MB',
      'm',
      '1e',
      '0x10',
      '1e1000',
      '9'.repeat(31),
      null,
      true,
      {},
      [1],
    ])
      expect(quantityOf(value), JSON.stringify(value)).to.equal(undefined)
  })

  it('is the same however an amount is written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000 }), (thousandths) => {
        const whole = Math.floor(thousandths / 1000)
        const fraction = String(thousandths % 1000).padStart(3, '0')
        expect(quantityOf(`${whole}.${fraction}`)).to.equal(quantityOf(`${thousandths}m`))
        expect(quantityOf(`${thousandths}e-3`)).to.equal(quantityOf(`${thousandths}m`))
        expect(quantityOf(`${thousandths}Ki`)).to.equal(quantityOf(String(thousandths * 1024)))
      }),
    )
  })
})
