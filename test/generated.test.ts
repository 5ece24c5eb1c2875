import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { documents } from './support/generate/documents.ts'

describe('generated files', () => {
  it('are what the code says; `npm run generate` brings them up to date', async () => {
    const generated = await documents()
    expect(generated).not.to.be.empty
    for (const { path, content } of generated) expect(readFileSync(path, 'utf8'), path).to.equal(content)
  })
})
