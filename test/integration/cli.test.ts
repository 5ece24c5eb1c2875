import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { parseAllDocuments } from 'yaml'

/** The bundle that the package publishes, as a process without any environment. */
function cli(
  args: readonly string[],
  input = '',
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(process.execPath, ['webhook/dist/cli.mjs', ...args], {
    input,
    encoding: 'utf8',
    env: {},
    timeout: 20_000,
  })
}

describe('the command line, as a process', () => {
  it('finds nothing to fix in the published examples, and injects them', () => {
    const examples = globSync('manifests/examples/*.yaml')
    expect(examples).not.to.be.empty
    const files = examples.flatMap((file) => ['-f', file])
    const linted = cli(['lint', ...files])
    expect(linted).to.include({ status: 0, stdout: '' })
    expect(linted.stderr).to.match(/^\d+ pods ask for tokens, \d+ do not; no problems\n$/)
    const { status, stdout } = cli(['inject', ...files])
    expect(status).to.equal(0)
    const before = examples.flatMap((file) => parseAllDocuments(readFileSync(file, 'utf8')))
    expect(parseAllDocuments(stdout)).to.have.lengthOf(before.length)
    expect(stdout).to.contain('aws-outbound-jwt-proxy')
  })

  it('reads standard input, and agrees with itself', () => {
    const example = readFileSync('manifests/examples/deployment.yaml', 'utf8')
    const { stdout } = cli(['inject', '-f', '-'], example)
    expect(cli(['inject', '-f', '-'], stdout)).to.include({ status: 0, stdout })
    expect(cli(['inject', '-f', '-', '--diff'], example).stdout).to.match(/^--- -\n\+\+\+ - \(injected\)\n@@/)
  })

  it('ends with 1 for what would be refused, printing nothing, and with 64 for a wrong call', () => {
    const bad = readFileSync('manifests/examples/deployment.yaml', 'utf8').replace("inject: 'true'", "inject: 'yes'")
    const refused = cli(['inject', '-f', '-'], bad)
    expect(refused).to.include({ status: 1, stdout: '' })
    expect(refused.stderr).to.contain('outbound-jwt.io/inject: got "yes"')
    expect(cli(['lint', '-f', '-', '-o', 'json'], bad).status).to.equal(1)
    expect(cli(['inject', '-f', 'no-such-file']).status).to.equal(64)
  })

  it('ends with 69 where there is no kubeconfig, and says where it looked for one', () => {
    expect(cli(['check'])).to.include({
      status: 69,
      stdout: '',
      stderr: 'outbound-jwt: there is no kubeconfig; KUBECONFIG names its file, else it is ~/.kube/config\n',
    })
  })
})
