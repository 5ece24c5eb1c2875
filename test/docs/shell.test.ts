import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { expect } from 'chai'
import { before, describe, it } from 'mocha'

const BLOCK = /^```sh\n([\s\S]*?)^```$/gm
const HEREDOC = /<<'?EOF'?.*\n[\s\S]*?^EOF$/gm

describe('commands in the pages', () => {
  const blocks: { readonly page: string; readonly text: string }[] = []

  before(async () => {
    for await (const page of glob('{*.md,{docs,charts,test}/**/*.md}', { exclude: ['**/node_modules/**'] }))
      for (const [, text = ''] of readFileSync(page, 'utf8').matchAll(BLOCK)) blocks.push({ page, text })
    expect(blocks).to.have.length.above(30)
  })

  it('are shell', () => {
    const script = blocks.map(({ text }, index) => `block_${index}() {\n${text}}\n`).join('')
    expect(spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' })).to.include({ status: 0, stderr: '' })
  })

  it('can be pasted into zsh, where a comment is an argument and $A:role is not $A and ":role"', () => {
    const found = blocks.flatMap(({ page, text }) => [
      ...[...text.replaceAll(HEREDOC, '').matchAll(/(?:^|\s)#.*/gm)].map(([comment]) => `${page}: ${comment.trim()}`),
      ...[...text.matchAll(/\$\w+:[a-zA-Z].*/g)].map(([expansion]) => `${page}: ${expansion}`),
    ])
    expect(found).to.deep.equal([])
  })

  it('have no <placeholder>, which a shell takes for a file', () => {
    const found = blocks.flatMap(({ page, text }) =>
      [...text.matchAll(/(?<!<)<[a-z][a-z-]*>/g)].map(([placeholder]) => `${page}: ${placeholder}`),
    )
    expect(found).to.deep.equal([])
  })
})
