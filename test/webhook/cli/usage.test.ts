import { expect } from 'chai'
import { describe, it } from 'mocha'
import { run } from '../../../webhook/src/cli/run.ts'
import { DEPLOYMENT, runWith } from '../../support/cli/files.ts'

const files = { 'a.yaml': DEPLOYMENT }
const complaint = (...args: readonly string[]): string => {
  const { status, stdout, stderr } = runWith(files, ...args)
  expect({ status, stdout }, args.join(' ')).to.deep.equal({ status: 64, stdout: '' })
  return stderr
}
const withValues = (values: string, ...args: readonly string[]): ReturnType<typeof runWith> =>
  runWith({ ...files, 'values.yaml': values }, 'inject', '-f', 'a.yaml', '--values', 'values.yaml', ...args)

describe('the command line', () => {
  it('explains itself', () => {
    for (const args of [['--help'], ['-h'], ['inject', '--help']])
      expect(runWith({}, ...args).stdout).to.match(/^aws-outbound-jwt: /)
    expect(runWith({}, '--version')).to.deep.equal({ status: 0, stdout: '0.1.0\n', stderr: '' })
  })

  it('says what is wrong with its arguments, with exit status 64', () => {
    expect(complaint()).to.equal('aws-outbound-jwt: expected inject or lint, got nothing\n')
    expect(complaint('inejct')).to.contain('expected inject or lint, got inejct')
    expect(complaint('inject')).to.contain('expected -f FILE, or -f - for standard input')
    expect(complaint('lint', 'a.yaml')).to.contain('expected -f before each file, got a.yaml')
    expect(complaint('inject', '-f', 'a.yaml', '-o', 'text')).to.contain('expected -o yaml or json, got text')
    expect(complaint('lint', '-f', 'a.yaml', '-o', 'yaml')).to.contain('expected -o text or json, got yaml')
    expect(complaint('lint', '-f', 'a.yaml', '--diff')).to.contain('expected --diff with inject and without -o')
    expect(complaint('inject', '-f', 'a.yaml', '--diff', '-o', 'yaml')).to.contain(
      'expected --diff with inject and without -o',
    )
    expect(complaint('inject', '--nonsense')).to.contain("Unknown option '--nonsense'")
  })

  it('names the file that cannot be read, and the line', () => {
    expect(complaint('lint', '-f', 'missing.yaml')).to.equal(
      "aws-outbound-jwt: missing.yaml: ENOENT: no such file, open 'missing.yaml'\n",
    )
    const broken = `${DEPLOYMENT}---\nkind: "Pod\n`
    expect(runWith({ b: broken }, 'lint', '-f', 'b').stderr).to.match(
      /^aws-outbound-jwt: b:19: Missing closing "quote\n$/,
    )
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x, x]\n${'bcdefgh'
      .split('')
      .map(
        (name, index) =>
          `${name}: &${name} [${Array(10)
            .fill(`*${'abcdefg'[index] ?? ''}`)
            .join(', ')}]`,
      )
      .join('\n')}`
    expect(runWith({ b: bomb }, 'lint', '-f', 'b')).to.deep.equal({
      status: 64,
      stdout: '',
      stderr:
        'aws-outbound-jwt: b:1: Excessive alias count indicates a resource exhaustion attack; expected at most 100 uses of an anchor, those within others multiplied\n',
    })
  })

  it('refuses what nests 20,000 deep, in every notation, and says what is allowed', () => {
    const deep = 20_000
    for (const text of [
      '['.repeat(deep),
      `${'['.repeat(deep)}${']'.repeat(deep)}`,
      `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`,
      `${'- '.repeat(deep)}a`,
      `${'? '.repeat(deep)}a`,
      Array.from({ length: 2_000 }, (_, indent) => `${' '.repeat(indent)}a:`).join('\n'),
    ]) {
      const { status, stdout, stderr } = runWith({ b: text }, 'inject', '-f', 'b')
      expect({ status, stdout }).to.deep.equal({ status: 64, stdout: '' })
      expect(stderr).to.match(
        /^aws-outbound-jwt: b:\d+: got values nested deeper than 500, expected at most 500 levels\n$/,
      )
    }
    expect(runWith({ b: `${'['.repeat(500)}${']'.repeat(500)}` }, 'inject', '-f', 'b').status).to.equal(0)
  })

  it('refuses what is not UTF-8, and directories, in one line', () => {
    expect(runWith({ '-': Buffer.from('ff fe 61 00'.replaceAll(' ', ''), 'hex') }, 'lint', '-f', '-')).to.deep.equal({
      status: 64,
      stdout: '',
      stderr: 'aws-outbound-jwt: -: got bytes that are not UTF-8, expected YAML or JSON in UTF-8\n',
    })
    const directory = (): never => {
      throw Object.assign(new Error('EISDIR: illegal operation on a directory, read'), { code: 'EISDIR' })
    }
    expect(run(['lint', '-f', 'manifests'], directory).stderr).to.equal(
      'aws-outbound-jwt: manifests: got a directory, expected a file; write -f before each file\n',
    )
  })

  it('warns of a file without a manifest', () => {
    for (const text of ['', '\n', '# nothing\n'])
      expect(runWith({ a: text }, 'lint', '-f', 'a')).to.deep.equal({
        status: 0,
        stdout: '',
        stderr: 'a: warning: no manifest in it\n',
      })
  })

  it('does not take a defect of its own for a mistake of the caller', () => {
    expect(() => run(['lint', '-f', 'a'], () => 5 as never)).to.throw(TypeError)
  })
})

describe("the chart's values", () => {
  it('decide what the sidecar looks like, as the chart would', () => {
    const { status, stdout, stderr } = withValues(`
replicaCount: 3
sidecar:
  image: {registry: mirror.example, repository: proxy, digest: 'sha256:abc', pullPolicy: Always}
  imagePullSecrets: [{name: mirror}]
  region: eu-central-1
  resources: {requests: {cpu: 1, memory: null}, limits: {memory: 256Mi}}
  securityContext: {runAsUser: null}
  extraEnv: {HTTPS_PROXY: 'http://proxy:3128'}
  liveness: true
  knownSidecars: []
injection: {https: intercept}
`)
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
    for (const text of [
      'image: mirror.example/proxy@sha256:abc\n',
      'imagePullPolicy: Always',
      '- name: mirror',
      'value: eu-central-1',
      "cpu: '1'",
      'memory: 256Mi',
      'name: HTTPS_PROXY',
      'livenessProbe:',
      'name: NODE_EXTRA_CA_CERTS',
    ])
      expect(stdout).to.contain(text)
    for (const text of ['runAsUser', 'memory: 64Mi', 'cpu: 10m']) expect(stdout).not.to.contain(text)
  })

  it('may leave everything out', () => {
    const plain = runWith(files, 'inject', '-f', 'a.yaml').stdout
    for (const values of ['', '{}', 'sidecar: {}', 'sidecar: null', 'sidecar: {image: {registry: ghcr.io, tag: ""}}'])
      expect(withValues(values).stdout).to.equal(plain)
    expect(withValues('sidecar: {image: {registry: "", repository: own/proxy, tag: v2}}').stdout).to.contain(
      'image: own/proxy:v2\n',
    )
  })

  it('are refused by the names they have in the chart', () => {
    const { status, stderr } = withValues(
      'sidecar: {resources: {limits: {cpu: lots}}, securityContext: {runAsUser: 0}, imagePullSecrets: [x, {}]}',
    )
    expect(status).to.equal(64)
    expect(stderr).to.contain('sidecar.resources.limits.cpu: got "lots", expected none, or CPU')
    expect(stderr).to.contain('sidecar.securityContext.runAsUser: got "0"')
    expect(stderr).to.contain('sidecar.imagePullSecrets: got "x,"')
    expect(withValues('sidecar: {resources: {limits: {memory: 64Mi}}}').stderr).to.contain(
      'resources.memoryLimit: got "64Mi", expected at least 96Mi',
    )
    expect(withValues('a: 1\n---\nb: 2\n').stderr).to.contain('values.yaml: expected one document of values')
  })
})
