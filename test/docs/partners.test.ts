import { readFileSync, readdirSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { parse } from 'yaml'
import type { Route } from '../../proxy/src/contract.ts'
import { PRESET_NAMES } from '../../proxy/src/contract.ts'
import { parseRoutesAnnotation } from '../../webhook/src/injection/annotations/routes-yaml.ts'
import { NAMES, VENDORS } from '../partner-emulators/cases.ts'
import { REFUSALS } from '../partner-emulators/refusals.ts'

const ANNOTATION = 'outbound-jwt.io/routes'

interface Manifest {
  readonly spec: {
    readonly template: { readonly metadata: { readonly annotations: Readonly<Record<string, string>> } }
  }
}

/** Partners with a page and a manifest. */
const PARTNERS = [...PRESET_NAMES, 'google', 'vault'] as const

const pageOf = (name: string): string => readFileSync(`docs/partners/${name}.md`, 'utf8')

/** @returns the first block of a language. */
const block = (page: string, language: string): string =>
  new RegExp(`^\\\`{3}${language}\\n([\\s\\S]*?)^\\\`{3}$`, 'm').exec(page)?.[1] ?? expect.fail(`no ${language}`)

/** @returns the words of the partner, in code, by which its table of errors can be searched. */
function errorsOf(page: string): readonly string[] {
  const [, table = ''] = page.split('## What its errors mean')
  const errors = [...table.matchAll(/^\| (.+?) \|/gm)].flatMap(
    ([, error = '']) => error.match(/(?<=`)[^`]+(?=`)/g) ?? [],
  )
  return errors.filter((words) => words.length > 3)
}

function exampleOf(name: string): string {
  const manifest = parse(readFileSync(`manifests/examples/partner-${name}.yaml`, 'utf8')) as Manifest
  return manifest.spec.template.metadata.annotations[ANNOTATION] ?? expect.fail('no routes')
}

function routeOf(annotation: string): Route {
  const [planned] =
    parseRoutesAnnotation(annotation, ANNOTATION, ({ where, allowed }) => expect.fail(`${where}: ${allowed}`)) ?? []
  return planned?.route ?? expect.fail('no route')
}

describe('the page of a partner', () => {
  it('is there for every preset', () => {
    expect(readdirSync('docs/partners').sort()).to.deep.equal(
      [...PARTNERS, 'alibaba'].map((name) => `${name}.md`).sort(),
    )
    expect([...NAMES].sort()).to.deep.equal([...PARTNERS].sort())
  })

  for (const name of PARTNERS) {
    it(`has the routes of its manifest: ${name}`, () => {
      expect((parse(block(pageOf(name), 'yaml')) as Record<string, string>)[ANNOTATION]).to.equal(exampleOf(name))
    })

    it(`has the IAM condition that its token needs, and no more: ${name}`, () => {
      const { audience, durationSeconds, signingAlgorithm } = routeOf(exampleOf(name))
      expect(JSON.parse(block(pageOf(name), 'json'))).to.deep.equal({
        'ForAllValues:StringEquals': { 'sts:IdentityTokenAudience': audience },
        Null: { 'sts:IdentityTokenAudience': 'false' },
        NumericLessThanEquals: { 'sts:DurationSeconds': durationSeconds },
        StringEquals: { 'sts:SigningAlgorithm': signingAlgorithm },
      })
    })

    it(`has an example that the emulated partner takes: ${name}`, () => {
      const { caFile, ...exchange } = routeOf(exampleOf(name)).exchange as { readonly caFile?: string }
      expect(exchange).to.deep.equal(VENDORS[name])
      expect(caFile !== undefined, 'an authority of its own').to.equal(name === 'vault')
    })

    it(`explains what the partner says when it refuses: ${name}`, () => {
      const refusals = REFUSALS.filter(({ vendor }) => vendor === name)
      expect(refusals).to.have.length.above(1)
      const explained = errorsOf(pageOf(name))
      expect(
        refusals.map(({ said }) => said).filter((said) => !explained.some((words) => said.includes(words))),
      ).to.deep.equal([])
    })

    it(`has the steps, how to check, and what errors mean: ${name}`, () => {
      const headings = [...pageOf(name).matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
      expect(headings).to.have.lengthOf(5)
      expect(headings.slice(1)).to.deep.equal(['AWS', 'Pod', 'Check', 'What its errors mean'])
    })
  }
})
