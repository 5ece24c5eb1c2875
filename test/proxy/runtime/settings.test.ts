import { expect } from 'chai'
import { describe, it } from 'mocha'
import { boolean, integer, oneOf } from '../../../proxy/src/contract.ts'
import { SettingsError, readSettings, setting } from '../../../proxy/src/runtime/index.ts'

const TABLE = {
  colour: setting('COLOUR', 'red', oneOf('red', 'blue'), 'Colour.'),
  size: setting('SIZE', '5', integer(1, 9), 'Size.'),
  loud: setting('LOUD', '', boolean, 'Required.'),
} as const

describe('settings', () => {
  it('reads values and falls back where a variable is unset or empty', () => {
    const config = readSettings(TABLE, { SIZE: '', LOUD: 'true', OTHER: 'x' })
    expect(config).to.deep.equal({ colour: 'red', size: 5, loud: true })
    expect(Object.isFrozen(config)).to.equal(true)
  })

  it('reports every problem at once with variable, value and allowed form', () => {
    expect(() => readSettings(TABLE, { COLOUR: 'green', SIZE: '10' }))
      .to.throw(SettingsError)
      .with.property(
        'message',
        [
          'These settings cannot be used:',
          '  COLOUR: got "green", expected red or blue',
          '  SIZE: got "10", expected a whole number from 1 to 9',
          '  LOUD: got "", expected true or false',
        ].join('\n'),
      )
  })
})
