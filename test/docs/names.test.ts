import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { parse } from 'yaml'
import { METRICS as PROXY } from '../../proxy/src/metrics.ts'
import { VERSION } from '../../proxy/src/contract.ts'
import { ANNOTATIONS } from '../../webhook/src/injection/annotations/annotations.ts'
import { OLDEST_MINOR } from '../../webhook/src/cli/cluster/before.ts'
import { METRICS as WEBHOOK } from '../../webhook/src/metrics.ts'
import { oldestKubernetes } from '../support/chart/values.ts'

const PAGES = ['{README,CONTRIBUTING,SECURITY}.md', 'docs/**/*.md', 'charts/*/{README.md,templates/NOTES.txt}']
const EXAMPLES = 'manifests/examples/*.yaml'

const METRICS: readonly string[] = [...Object.values(PROXY), ...Object.values(WEBHOOK)].map(({ name }) => name)
/** Keys of ours that are no annotations of a pod's author: the injector's own, and the labels of injected pods and of its Secret. */
const KEYS = [...Object.keys(ANNOTATIONS), 'status', 'injected', 'certificates']
const VALUES = parse(readFileSync('charts/aws-outbound-jwt-injector/values.yaml', 'utf8')) as Record<string, unknown>

/** Whether the chart has the value; below a map that is empty by default, everything is allowed. */
function isValue(path: readonly string[], values: unknown = VALUES): boolean {
  const [first, ...rest] = path
  if (first === undefined) return true
  if (typeof values !== 'object' || values === null) return false
  if (Object.keys(values).length === 0) return true
  return Object.hasOwn(values, first) && isValue(rest, (values as Record<string, unknown>)[first])
}

describe('names in the pages', () => {
  const texts = new Map<string, string>()

  before(async () => {
    for await (const file of glob([...PAGES, EXAMPLES])) texts.set(file, readFileSync(file, 'utf8'))
  })

  /** @returns what a pattern finds and a check does not know, with its page; fails when it finds next to nothing. */
  function unknown(pattern: RegExp, isKnown: (name: string) => boolean): string[] {
    const found = [...texts].flatMap(([file, text]) =>
      [...text.matchAll(pattern)].map(([, name = '']) => ({ file, name })),
    )
    expect(found).to.have.length.above(3)
    return found.filter(({ name }) => !isKnown(name)).map(({ file, name }) => `${file}: ${name}`)
  }

  it('are annotations that there are', () => {
    expect(unknown(/(?<!secrets\/)outbound-jwt\\?\.io\/([a-z][a-z-]*)/g, (name) => KEYS.includes(name))).to.deep.equal(
      [],
    )
  })

  it('are metrics that there are', () => {
    expect(unknown(/\b(outbound_jwt_[a-z_]+)/g, (name) => METRICS.includes(name))).to.deep.equal([])
  })

  it('are values that the chart has', () => {
    const top = Object.keys(VALUES).filter((key) => !['resources', 'affinity'].includes(key))
    const value = new RegExp(`(?:\`|--set |--set-file )((?:${top.join('|')})\\.[A-Za-z.]+)(?![\\w.]*/)`, 'g')
    expect(unknown(value, (name) => isValue(name.split('.')))).to.deep.equal([])
  })

  it('are the oldest Kubernetes that the chart installs on, in every page, the workflow and the command line', () => {
    const oldest = oldestKubernetes()
    expect(unknown(/Kubernetes \|? ?(\d\.\d+) or newer/g, (name) => name === oldest)).to.deep.equal([])
    expect(readFileSync('.github/workflows/e2e.yml', 'utf8')).to.include(
      `- name: oldest\n            image: kindest/node:v${oldest}.`,
    )
    expect(`1.${OLDEST_MINOR}`).to.equal(oldest)
  })

  it('are images and charts of this version', () => {
    const version = /(?:\/(?:webhook|proxy):|targetRevision: |ref: \{ tag: |-injector\/v)(\d[\w.]*)/g
    expect(unknown(version, (name) => name === VERSION)).to.deep.equal([])
  })
})
