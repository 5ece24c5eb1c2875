import { readFileSync, readdirSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { parseAllDocuments } from 'yaml'
import { runWith } from '../support/cli/files.ts'
import { createInjector } from '../../webhook/src/injection/decide.ts'
import { INJECTION_DEFAULTS } from '../../webhook/src/injection/settings.ts'

interface Workload {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> }
  readonly spec?: {
    readonly template?: object
    readonly jobTemplate?: { readonly spec: { readonly template: object } }
  }
}

const FOLDER = 'manifests/examples'
/** What the namespace's example tells to set in the chart. */
const DEFAULTS = { hosts: 'api.partner.example' }

const examples = readdirSync(FOLDER).map((file) => {
  const documents = parseAllDocuments(readFileSync(`${FOLDER}/${file}`, 'utf8'))
  return [file, documents.map((document) => document.toJS() as Workload)] as const
})

const inject = createInjector({ ...INJECTION_DEFAULTS, image: 'registry.example/proxy:1', defaults: DEFAULTS })

const workloads = examples.flatMap(([file, objects]) => {
  const isOptedIn = objects.some(
    ({ kind, metadata }) => kind === 'Namespace' && metadata.labels?.['outbound-jwt.io/inject'],
  )
  return objects.flatMap(({ kind, metadata: { name }, spec }) => {
    const pod = spec?.jobTemplate?.spec.template ?? spec?.template
    return pod ? [{ title: `${file}: ${kind} ${name}`, pod, mode: isOptedIn ? 'namespace' : 'pod' } as const] : []
  })
})

describe('the examples', () => {
  it('are there, each with a line that says what it shows', () => {
    expect(workloads).to.have.length.above(9)
    for (const [file] of examples) expect(readFileSync(`${FOLDER}/${file}`, 'utf8'), file).to.match(/^# .{20}/)
  })

  for (const [file] of examples)
    it(`${file} passes lint`, () => {
      const files: Record<string, string> = {
        [file]: readFileSync(`${FOLDER}/${file}`, 'utf8'),
        values: JSON.stringify({ namespaceOptIn: { enabled: true, defaults: DEFAULTS } }),
      }
      const { status, stdout, stderr } = runWith(files, 'lint', '-f', file, '--values', 'values')
      expect({ status, stdout }).to.deep.equal({ status: 0, stdout: '' })
      expect(stderr).to.match(/; no problems\n$/)
    })

  for (const { title, pod, mode } of workloads)
    it(`${title} gets what it asks for`, () => {
      const { kind, warnings } = { warnings: [], ...inject({ pod, mode, operation: 'CREATE' }) }
      const wishes = JSON.stringify(pod)
      const asks = mode === 'namespace' || wishes.includes('"outbound-jwt.io/inject":"true"')
      expect(kind).to.equal(asks && !wishes.includes('"outbound-jwt.io/inject":"false"') ? 'inject' : 'allow')
      expect(warnings).to.deep.equal([])
    })
})
