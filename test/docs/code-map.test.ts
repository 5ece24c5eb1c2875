import { existsSync, readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'

const ROOTS = ['proxy/src', 'webhook/src']

/** `importer` and `imported` for each file of a map that stands below another. */
function edges(page: string): readonly { readonly importer: string; readonly imported: string }[] {
  const maps = [...readFileSync(page, 'utf8').matchAll(/^```\n((?:proxy|webhook)\/src)\n([^`]+)```$/gm)]
  return maps.flatMap(([, root = '', lines = '']) => {
    const above: string[] = []
    return lines
      .trimEnd()
      .split('\n')
      .flatMap((line) => {
        const [, indent = '', file = ''] = /^( +)(\S+)/.exec(line) ?? expect.fail(`no file in the line: ${line}`)
        const depth = indent.length / 2 - 1
        above.splice(depth, Infinity, join(root, file))
        return depth === 0 ? [] : [{ importer: above[depth - 1] ?? '', imported: above[depth] ?? '' }]
      })
  })
}

function importsOf(file: string): readonly string[] {
  const specifiers = readFileSync(file, 'utf8').matchAll(/(?:from|import\() ?'(\.[^']+)'/g)
  return [...specifiers].map(([, specifier = '']) => normalize(join(dirname(file), specifier)))
}

describe('the code map', () => {
  it('names an import for each file that stands below another', () => {
    const found = edges('docs/how-it-works.md')
    expect(found.length).to.be.greaterThan(25)
    for (const { importer, imported } of found) expect(importsOf(importer), importer).to.include(imported)
  })

  it('names files that exist, wherever a page speaks of one', () => {
    for (const page of ['docs/how-it-works.md', 'docs/development.md'])
      for (const [, file = ''] of readFileSync(page, 'utf8').matchAll(/`((?:[a-z-]+\/)+[\w.-]+\.ts)`/g))
        expect([file, ...ROOTS.map((root) => join(root, file))].some(existsSync), `${page}: ${file}`).to.equal(true)
  })

  it('has a row for every folder of the sources, and no other', async () => {
    const folders = new Set<string>()
    for await (const file of glob(ROOTS.map((root) => `${root}/**/*.ts`))) folders.add(dirname(file))
    const rows = [...readFileSync('docs/development.md', 'utf8').matchAll(/^\| `((?:proxy|webhook)\/src[^`]*)` \|/gm)]
    expect(rows.map(([, folder]) => folder).sort()).to.deep.equal([...folders].sort())
  })
})
