import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'

describe('the package of the command line', function () {
  this.timeout(60_000)
  let folder: string

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'outbound-jwt-'))
    execFileSync('npm', ['pack', '--silent', '--workspace', 'webhook', '--pack-destination', folder])
    const [tarball = ''] = readdirSync(folder)
    execFileSync('npm', ['install', '--silent', '--offline', '--ignore-scripts', `./${tarball}`], { cwd: folder })
  })

  after(() => rmSync(folder, { recursive: true }))

  for (const program of ['outbound-jwt', 'kubectl-outbound_jwt'])
    it(`runs as ${program} from a folder of its own, installed without a registry`, () => {
      const command = join(folder, 'node_modules/.bin', program)
      const file = resolve('manifests/examples/deployment.yaml')
      const { status, stdout, stderr } = spawnSync(command, ['inject', '-f', file], { cwd: folder, encoding: 'utf8' })
      expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
      expect(stdout).to.contain('name: aws-outbound-jwt-proxy')
    })

  it('brings no other package', () => {
    expect(readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))).to.deep.equal([
      '@aws-outbound-jwt-injector',
    ])
  })
})
