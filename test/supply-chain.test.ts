// What OpenSSF Scorecard reads from files: Pinned-Dependencies, Token-Permissions, Dangerous-Workflow, Security-Policy, Dependency-Update-Tool.
import { readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { parse } from 'yaml'

interface Step {
  readonly uses?: string
  readonly run?: string
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>
  readonly permissions?: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>
}

describe('the supply chain', () => {
  const workflows: { readonly file: string; readonly text: string; readonly workflow: Workflow }[] = []

  before(async () => {
    for await (const file of glob('.github/workflows/*.yml')) {
      const text = readFileSync(file, 'utf8')
      workflows.push({ file, text, workflow: parse(text) as Workflow })
    }
    expect(workflows).to.have.length.above(2)
  })

  const steps = (): readonly { readonly file: string; readonly step: Step }[] =>
    workflows.flatMap(({ file, workflow: { jobs } }) =>
      Object.values(jobs).flatMap((job) => job.steps.map((step) => ({ file, step }))),
    )

  it('takes every action by the hash of a commit, with its version in a comment', () => {
    const lines = workflows.flatMap(({ text }) => text.match(/uses: .*/g) ?? [])
    expect(lines).to.have.length.above(10)
    expect(lines.filter((line) => !/^uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).to.deep.equal([])
  })

  it('takes one version of an action everywhere', () => {
    const versions = Map.groupBy(new Set(steps().flatMap(({ step }) => step.uses ?? [])), (uses) => uses.split('@')[0])
    expect([...versions.values()].filter(({ length }) => length > 1)).to.deep.equal([])
  })

  it('gives a workflow no right to write, except where a job names it', () => {
    for (const { file, workflow } of workflows)
      expect(Object.values(workflow.permissions ?? { unset: 'write' }), file).not.to.include('write')
  })

  it('runs no workflow with rights on code that anybody proposes', () => {
    const dangerous = ['pull_request_target', 'workflow_run', 'issue_comment']
    const found = workflows.filter(({ workflow }) =>
      Object.keys(workflow.on).some((event) => dangerous.includes(event)),
    )
    expect(found.map(({ file }) => file)).to.deep.equal([])
  })

  it('puts no expression into a script, where it would be code', () => {
    expect(steps().filter(({ step }) => step.run?.includes('${{'))).to.deep.equal([])
  })

  it('installs with the lockfile, without the scripts of packages', () => {
    const installs = steps().filter(({ step }) => /npm (ci|install|i)\b/.test(step.run ?? ''))
    expect(installs).not.to.be.empty
    expect(installs.filter(({ step }) => !step.run?.includes('npm ci --ignore-scripts'))).to.deep.equal([])
  })

  it('says how to report a vulnerability', () => {
    expect(readFileSync('SECURITY.md', 'utf8')).to.match(/https:\/\/\S+\/security\/advisories\/new/)
  })

  it('has every lockfile, action and base image kept up to date', async () => {
    const { updates } = parse(readFileSync('.github/dependabot.yml', 'utf8')) as {
      readonly updates: readonly { readonly 'package-ecosystem': string; readonly directory: string }[]
    }
    const known = updates.map((update) => `${update['package-ecosystem']} ${update.directory}`)
    const lockfiles: string[] = []
    for await (const file of glob('{,site/}package-lock.json')) lockfiles.push(`npm ${join('/', dirname(file))}`)
    expect(lockfiles).to.have.length(2)
    expect(known).to.include.members([...lockfiles, 'github-actions /', 'docker /'])
  })
})
