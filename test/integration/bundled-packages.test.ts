import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'

interface Sbom {
  readonly components: readonly {
    readonly name: string
    readonly version: string
    readonly licenses: readonly { readonly expression: string }[]
  }[]
}

/** Permissive licences, which ask for no more than their text. Another one is a decision: read it, then add it. */
const ALLOWED = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'BlueOak-1.0.0', 'Unlicense']

for (const program of ['dist/proxy/proxy', 'dist/webhook/webhook', 'webhook/dist/cli'])
  describe(`the packages bundled into ${program}`, () => {
    const { components } = JSON.parse(readFileSync(`${program}.cdx.json`, 'utf8')) as Sbom

    it('have a licence that is allowed', () => {
      expect(components).not.to.be.empty
      const others = components.flatMap(({ name, licenses }) =>
        licenses
          .filter(({ expression }) => !ALLOWED.includes(expression))
          .map(({ expression }) => `${name}: ${expression}`),
      )
      expect(others).to.deep.equal([])
    })

    it('are those of the lockfile', () => {
      const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
        readonly packages: Readonly<Record<string, { readonly version?: string }>>
      }
      const locked = Object.entries(packages).map(
        ([path, { version }]) => `${path.split('node_modules/').at(-1)} ${version}`,
      )
      expect(locked).to.include.members(components.map(({ name, version }) => `${name} ${version}`))
    })

    it('come with the texts of their licences', () => {
      const texts = readFileSync(`${program}.LICENSES.txt`, 'utf8')
      for (const { name, version } of components) expect(texts).to.contain(`${name} ${version} (`)
      expect(texts).to.match(/Permission is hereby granted/)
    })
  })
