// What OpenSSF Scorecard reads from files: Pinned-Dependencies, Token-Permissions, Dangerous-Workflow, Security-Policy, Dependency-Update-Tool.
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { parse } from 'yaml'

interface Step {
  readonly name?: string
  readonly if?: string
  readonly id?: string
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>
  readonly permissions?: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>
}

const BY_DIGEST = /^[\w.-]+(?:\/[\w.-]+)+:[\w.-]+@sha256:[0-9a-f]{64}$/

/** @returns the texts under any of these names, wherever they are. */
function valuesOf(value: unknown, names: readonly string[]): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, item]: [string, unknown]) =>
    typeof item === 'string' ? (names.includes(name) ? [item] : []) : valuesOf(item, names),
  )
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

  it('names every image by its digest', () => {
    const images = workflows.flatMap(({ workflow }) => valuesOf(workflow, ['image', 'container']))
    expect(images).to.have.length.above(2)
    const isFixed = (image: string): boolean => image === '' || image.startsWith('${{') || BY_DIGEST.test(image)
    expect(images.filter((image) => !isFixed(image))).to.deep.equal([])
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

  describe('of a release', () => {
    const release = (): Workflow => workflows.find(({ file }) => file.endsWith('release.yml'))!.workflow
    const find = (job: string, isIt: (step: Step) => boolean): number => release().jobs[job]!.steps.findIndex(isIt)
    let directory: string
    before(() => (directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-release-'))))
    after(() => rmSync(directory, { recursive: true }))

    /** Nothing that leads git to the repository of these tests, or to settings of whoever runs them. */
    const environment = (): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], HOME: directory })

    /** Runs a step as the runner does. @returns whether it let the release go on. */
    const passes = (job: string, step: string, env: NodeJS.ProcessEnv): boolean => {
      const { run = 'false' } = release().jobs[job]!.steps[find(job, ({ name }) => name === step)] ?? {}
      const options = { cwd: directory, env: { ...environment(), ...env } }
      return spawnSync('bash', ['-e', '-o', 'pipefail', '-c', run], options).status === 0
    }

    it('is made with base images and tools that are named by digest', () => {
      const output = join(directory, 'images')
      const { run } = release().jobs['images']!.steps[find('images', ({ id }) => id === 'images')] ?? {}
      execFileSync('bash', ['-e', '-c', run ?? 'false'], { env: { ...environment(), GITHUB_OUTPUT: output } })
      const lines = readFileSync(output, 'utf8').trim().split('\n')
      const images = new Map(lines.map((line) => line.split('=') as [string, string]))
      expect([...images.values()].filter((image) => !BY_DIGEST.test(image))).to.deep.equal([])
      const { text } = workflows.find(({ file }) => file.endsWith('release.yml'))!
      const used = [...text.matchAll(/steps\.images\.outputs\.(\w+)/g)].map(([, name]) => name)
      expect(used).to.have.members([...images.keys()])
    })

    it('lets no action choose an image itself', () => {
      const given = (action: string): Step['with'] =>
        release().jobs['images']!.steps[find('images', ({ uses }) => uses?.startsWith(`docker/${action}@`) === true)]
          ?.with
      const image = (name: string): string => `\${{ steps.images.outputs.${name} }}`
      expect(given('setup-qemu-action')).to.include({ image: image('binfmt'), 'cache-image': false })
      expect(given('setup-buildx-action')).to.include({ 'driver-opts': `image=${image('buildkit')}` })
      expect(given('build-push-action')).to.include({
        sbom: `generator=${image('sbom')}`,
        'build-args': `BUILD_IMAGE=${image('build')}\nRUNTIME_IMAGE=${image('runtime')}\n`,
      })
    })

    it('gives each base image to the build, and emulates a processor only where an image runs something on its own', () => {
      const emulated = ['webhook', 'proxy'].filter((name) => {
        const [head = '', ...stages] = readFileSync(`Dockerfile.${name}`, 'utf8').split(/^FROM /m)
        expect(head.match(/^ARG \w+/gm)).to.deep.equal(['ARG BUILD_IMAGE', 'ARG RUNTIME_IMAGE'])
        const bases = stages.map((stage) => /^(?:--platform=\S+ )?(\S+)/.exec(stage)?.[1])
        expect(bases).to.satisfy((all: string[]) => all.every((base) => /^\$\{(?:BUILD|RUNTIME)_IMAGE\}$/.test(base)))
        return stages.some((stage) => !stage.startsWith('--platform=$BUILDPLATFORM ') && /^RUN /m.test(stage))
      })
      const qemu = find('images', ({ uses }) => uses?.startsWith('docker/setup-qemu-action@') === true)
      expect(emulated).to.deep.equal(['proxy'])
      expect(release().jobs['images']!.steps[qemu]).to.include({ if: "matrix.image == 'proxy'" })
    })

    it('takes only a commit that is on main', () => {
      const git = (...args: readonly string[]): string =>
        execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.example', ...args], {
          cwd: directory,
          env: environment(),
          encoding: 'utf8',
        }).trim()
      const commit = (text: string): string => {
        git('commit', '-q', '--allow-empty', '-m', text)
        return git('rev-parse', 'HEAD')
      }
      git('init', '-q', '-b', 'main')
      const reviewed = commit('reviewed')
      const newest = commit('newest')
      git('update-ref', 'refs/remotes/origin/main', newest)
      const aside = commit('aside')
      const isOn = (GITHUB_SHA: string): boolean => passes('check', 'The tag is of a commit on main', { GITHUB_SHA })
      expect([reviewed, newest, aside].map(isOn)).to.deep.equal([true, true, false])
      const checkout =
        release().jobs['check']!.steps[find('check', ({ uses }) => uses?.includes('/checkout@') === true)]
      expect(checkout?.with?.['fetch-depth']).to.equal(0)
    })

    it('changes no version that is there, and pushes nothing before it knows', () => {
      const docker = join(directory, 'docker')
      const isNew = (status: number): boolean => {
        writeFileSync(
          docker,
          `#!/bin/sh\ntest "$*" = 'buildx imagetools inspect a.example/b:1' && exit ${status}\nexit 1\n`,
        )
        chmodSync(docker, 0o755)
        const PATH = `${directory}:${process.env['PATH']}`
        return passes('images', 'The version is a new one', { PATH, NAME: 'a.example/b', VERSION: '1' })
      }
      expect([isNew(0), isNew(1)]).to.deep.equal([false, true])
      const check = find('images', ({ name }) => name === 'The version is a new one')
      expect(check).to.be.within(
        0,
        find('images', ({ uses }) => uses?.startsWith('docker/build-push-action@') === true),
      )
    })
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
    expect(known).to.include.members([...lockfiles, 'github-actions /', 'docker /.github/images'])
  })
})
