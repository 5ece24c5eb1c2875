import { existsSync, readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { before, describe, it } from 'mocha'

interface Link {
  readonly page: string
  readonly target: string
  readonly anchor: string | undefined
}

const LINK = /\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)/g

/** As GitHub names a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-')

const anchorsOf = (page: string): string[] =>
  [...readFileSync(page, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))

describe('links between pages', () => {
  const links: Link[] = []

  before(async () => {
    for await (const page of glob('{*.md,{docs,charts,manifests,test}/**/*.md}', { exclude: ['**/node_modules/**'] }))
      for (const [, target = '', anchor] of readFileSync(page, 'utf8').matchAll(LINK))
        links.push({ page, target: target === '' ? page : join(dirname(page), target), anchor })
  })

  it('lead to something that is there', () => {
    expect(links).to.have.length.above(50)
    expect(links.filter(({ target }) => !existsSync(target))).to.deep.equal([])
  })

  it('lead to a heading that is there', () => {
    const withAnchor = links.filter(({ target, anchor }) => anchor !== undefined && target.endsWith('.md'))
    expect(withAnchor).to.have.length.above(5)
    expect(withAnchor.filter(({ target, anchor = '' }) => !anchorsOf(target).includes(anchor))).to.deep.equal([])
  })
})
