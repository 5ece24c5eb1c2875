import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { VERSION } from '../../../proxy/src/contract.ts'

describe('version', () => {
  for (const file of ['package.json', 'proxy/package.json', 'webhook/package.json']) {
    it(`is the one of ${file}`, () => {
      expect(JSON.parse(readFileSync(file, 'utf8'))).to.have.property('version', VERSION)
    })
  }
})
