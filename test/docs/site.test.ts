import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { expect } from 'chai'
import { describe, it } from 'mocha'

async function filesAt(patterns: readonly string[]): Promise<readonly string[]> {
  const files: string[] = []
  for (const pattern of patterns) for await (const file of glob(pattern)) files.push(file)
  return files.sort()
}

describe('the navigation of the documentation site', () => {
  const navigation = JSON.parse(readFileSync('site/navigation.json', 'utf8')) as { readonly pages: readonly string[] }[]
  const patterns = navigation.flatMap(({ pages }) => pages)

  it('has every page of docs/ once', async () => {
    const listed = await filesAt(patterns)
    expect(listed.filter((file) => file.startsWith('docs/'))).to.deep.equal(await filesAt(['docs/**/*.md']))
  })

  it('names only pages that there are', async () => {
    for (const pattern of patterns) expect(await filesAt([pattern]), pattern).not.to.be.empty
  })
})
