import { existsSync, readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'

const LINK = /\]\((?!https?:|mailto:|#)([^)#\s]+)/g

describe('links between pages', () => {
  it('lead to something that is there', async () => {
    const broken: string[] = []
    let found = 0
    for await (const page of glob('{*.md,{docs,charts,manifests,test}/**/*.md}', { exclude: ['**/node_modules/**'] })) {
      for (const [, target = ''] of readFileSync(page, 'utf8').matchAll(LINK)) {
        found += 1
        if (!existsSync(join(dirname(page), target))) broken.push(`${page}: ${target}`)
      }
    }
    expect(broken).to.deep.equal([])
    expect(found).to.be.greaterThan(50)
  })
})
