import { expect } from 'chai'
import type { Document } from '@aws-outbound-jwt-injector/proxy/reference'
import { describe, it } from 'mocha'
import { run } from '../../../webhook/src/cli/run.ts'
import { DEPLOYMENT, NOWHERE, runWith } from '../../support/cli/files.ts'

const files = { 'a.yaml': DEPLOYMENT }
const complaint = (...args: readonly string[]): string => {
  const { status, stdout, stderr } = runWith(files, ...args)
  expect({ status, stdout }, args.join(' ')).to.deep.equal({ status: 64, stdout: '' })
  return stderr
}

describe('the command line', () => {
  it('explains itself, and each command', () => {
    for (const args of [['--help'], ['-h'], ['nonsense', '--help']])
      expect(runWith({}, ...args).stdout).to.match(/^outbound-jwt: [^]*\n {2}lint [^]*\n {2}64 +wrong arguments/)
    expect(runWith({}, 'inject', '-h').stdout).to.equal(
      `outbound-jwt inject -f FILE [-f FILE]... [--values FILE] [--diff] [-o yaml|json]

prints manifests as the webhook would make their pods; prints none when it would refuse one

  -f, --file FILE      manifests as YAML or JSON, several documents allowed; - is standard input
  --values FILE        values of the Helm chart: image, resources and defaults of your clusters
  --diff               only what would change
  -o, --output FORMAT  form of the output: yaml or json
`,
    )
    expect(runWith({}, '--version')).to.deep.equal({ status: 0, stdout: '0.1.0\n', stderr: '' })
  })

  it('says what is wrong with its arguments, with exit status 64', () => {
    expect(complaint()).to.match(
      /^outbound-jwt: expected a command \(lint, inject, .*\), got nothing; outbound-jwt --help says what each does\n$/,
    )
    expect(complaint('inejct')).to.contain('got inejct; did you mean inject?')
    expect(complaint('constructor')).to.contain('got constructor; outbound-jwt --help')
    expect(complaint('inject')).to.contain('expected -f FILE, or -f - for standard input')
    expect(complaint('lint', 'a.yaml')).to.contain('expected -f before each file, got a.yaml')
    expect(complaint('inject', '-f', 'a.yaml', '-o', 'text')).to.contain('expected -o yaml or json, got text')
    expect(complaint('lint', '-f', 'a.yaml', '-o', 'yaml')).to.contain('expected -o text or json, got yaml')
    expect(complaint('lint', '-f', 'a.yaml', '--diff')).to.match(
      /--diff is no option of lint; expected --file, --values, .*--output\n$/,
    )
    expect(complaint('inject', '-f', 'a.yaml', '--diff', '-o', 'yaml')).to.contain('expected --diff without -o')
    expect(complaint('inject', '--nonsense')).to.contain(
      "Unknown option '--nonsense'; outbound-jwt --help lists commands and options\n",
    )
    expect(complaint('completion')).to.contain('expected completion SHELL: bash or zsh; got nothing')
    expect(complaint('completion', 'fish')).to.contain('got fish')
    expect(complaint('completion', 'bash', '-o', 'json')).to.contain(
      '--output is no option of completion; expected none',
    )
  })

  it('names the file that cannot be read, and the line', () => {
    expect(complaint('lint', '-f', 'missing.yaml')).to.equal('outbound-jwt: missing.yaml: there is no such file\n')
    const broken = `${DEPLOYMENT}---\nkind: "Pod\n`
    expect(runWith({ b: broken }, 'lint', '-f', 'b').stderr).to.match(/^outbound-jwt: b:19: Missing closing "quote\n$/)
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
        'outbound-jwt: b:1: Excessive alias count indicates a resource exhaustion attack; expected at most 100 uses of an anchor, those within others multiplied\n',
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
      expect(stderr).to.match(/^outbound-jwt: b:\d+: got values nested deeper than 500, expected at most 500 levels\n$/)
    }
    expect(runWith({ b: `${'['.repeat(500)}${']'.repeat(500)}` }, 'inject', '-f', 'b').status).to.equal(0)
  })

  it('refuses what is not UTF-8, and directories, in one line', () => {
    expect(runWith({ '-': Buffer.from('ff fe 61 00'.replaceAll(' ', ''), 'hex') }, 'lint', '-f', '-')).to.deep.equal({
      status: 64,
      stdout: '',
      stderr: 'outbound-jwt: -: got bytes that are not UTF-8, expected YAML or JSON in UTF-8\n',
    })
    const directory = (): never => {
      throw Object.assign(new Error('EISDIR: illegal operation on a directory, read'), { code: 'EISDIR' })
    }
    expect(run(['lint', '-f', 'manifests'], { ...NOWHERE, read: directory })).to.have.property(
      'stderr',
      'outbound-jwt: manifests: got a directory, expected a file; write -f before each file\n',
    )
  })

  it('warns of a file without a manifest', () => {
    for (const text of ['', '\n', '# nothing\n'])
      expect(runWith({ a: text }, 'lint', '-f', 'a')).to.deep.equal({
        status: 0,
        stdout: '',
        stderr: 'a: warning: no manifest in it\nno pods; no problems\n',
      })
  })

  it('shows the name of a file as text, so that no terminal obeys it', () => {
    const name = 'a\u001b[2J\u009b31m\u202e\nb.yaml'
    const shown = String.raw`a\u001b[2J\u009b31m\u202e\u000ab.yaml`
    expect(complaint('lint', '-f', name)).to.equal(`outbound-jwt: ${shown}: there is no such file\n`)
    expect(runWith({ [name]: 'a: [' }, 'lint', '-f', name).stderr).to.match(
      /^outbound-jwt: [\x20-\x7e]+:1: [\x20-\x7e]+\n$/,
    )
    expect(runWith({ [name]: '' }, 'lint', '-f', name).stderr).to.equal(
      `${shown}: warning: no manifest in it\nno pods; no problems\n`,
    )
    expect(complaint(name)).to.match(/^[\x20-\x7e]*\n$/)
    expect(runWith({}, 'explain', name).stderr).to.match(/^[\x20-\x7e]*\n$/)
  })

  it('quotes an argument on one line, whatever is in it', async () => {
    const forged = 'a\nwebhook: fine\r\t\u001b[2J\u202e'
    const lint = ['lint', '-f', 'a.yaml']
    for (const args of [
      [forged],
      [`--${forged}`],
      ['lint', forged],
      ['lint', '-f', '-o'],
      ['lint', '-f', forged],
      [...lint, '-o', forged],
      [...lint, '--values', forged],
      [...lint, '--policy', forged],
      ['completion', forged],
    ])
      expect(complaint(...args)).to.match(/^outbound-jwt: [\x20-\x7e]+\n$/)
    const issuer = 'https://a.example/\u001b[2J'
    for (const argument of [forged, issuer])
      expect((await run(['discovery', argument], NOWHERE)).stderr).to.match(/^outbound-jwt: [\x20-\x7e]+\n$/)
    const fetchDocument = (): Promise<Document> => Promise.resolve({ ok: true, json: {} })
    const complete = await run(['discovery', issuer, '--complete'], { ...NOWHERE, fetchDocument })
    expect(complete.stderr).to.match(/^outbound-jwt: warning: [\x20-\x7e]+\n$/)
  })

  it('says each problem of a file on a line of its own, whatever its name is', () => {
    const name = 'a\nb'
    const policy = 'rules: [{ a: 1 }, { b: 2 }]'
    const values = 'sidecar: { a: 1, b: 2 }'
    for (const [option, text] of [
      ['--policy', policy],
      ['--values', values],
    ] as const) {
      const { stderr } = runWith({ ...files, [name]: text }, 'lint', '-f', 'a.yaml', option, name)
      expect(stderr.split('\n'), stderr).to.have.length.above(2)
      expect(stderr).not.to.match(/^b/m)
    }
  })

  it('does not take a defect of its own for a mistake of the caller', () => {
    expect(() => run(['lint', '-f', 'a'], { ...NOWHERE, read: () => 5 as never })).to.throw(TypeError)
  })
})
