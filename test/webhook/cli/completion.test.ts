import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { runWith } from '../../support/cli/files.ts'

const SCRIPT = { bash: runWith({}, 'completion', 'bash').stdout, zsh: runWith({}, 'completion', 'zsh').stdout }

/** @returns what bash offers for the last of the words. */
function offered(...words: readonly string[]): readonly string[] {
  const script = `${SCRIPT.bash}
COMP_WORDS=("$@"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_outbound_jwt
printf '%s\\n' "\${COMPREPLY[@]}"`
  // Whose standard input is a socket, as here, takes itself for a remote shell and reads its startup files.
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-uc', script, '-', 'outbound-jwt', ...words], {
    encoding: 'utf8',
  })
  expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
  return stdout.split('\n').filter((word) => word !== '')
}

describe('completion in bash', () => {
  it('offers commands, their options, and the values of an option', () => {
    expect(offered('in')).to.deep.equal(['inject'])
    expect(offered('')).to.include.members(['lint', 'inject', 'completion', '--help'])
    expect(offered('lint', '--')).to.include.members(['--file', '--values', '--output', '--help'])
    expect(offered('lint', '--')).not.to.include('--diff')
    expect(offered('inject', '-f', 'a.yaml', '-o', '')).to.deep.equal(['yaml', 'json'])
    expect(offered('lint', '--output', 'j')).to.deep.equal(['json'])
    expect(offered('completion', '')).to.deep.equal(['bash', 'zsh'])
  })

  it('leaves files to the shell', () => {
    expect(offered('lint', '-f', '')).to.deep.equal([])
    expect(SCRIPT.bash).to.match(/^complete -o default /m)
  })
})

describe('completion in zsh', function () {
  this.timeout(120_000)
  let folder: string

  before(function () {
    folder = mkdtempSync(join(tmpdir(), 'outbound-jwt-'))
    if (spawnSync('zsh', ['-f', '-c', 'zmodload zsh/zpty']).status !== 0) this.skip()
    writeFileSync(join(folder, 'script'), SCRIPT.zsh)
    writeFileSync(join(folder, 'orders.yaml'), '')
  })

  after(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  /** @returns what an interactive zsh offers when a tab follows the line, sorted. */
  function offeredByZsh(line: string): readonly string[] {
    const args = ['-f', 'test/support/cli/complete.zsh', join(folder, 'script'), `outbound-jwt ${line}`, folder]
    return spawnSync('zsh', args, { encoding: 'utf8', timeout: 30_000 }).stdout.trim().split('\n').sort()
  }

  it('offers commands, their options, and the values of an option (skipped without zsh)', () => {
    expect(offeredByZsh('')).to.include.members(['lint', 'inject', 'completion'])
    expect(offeredByZsh('in')).to.deep.equal(['inject'])
    expect(offeredByZsh('lint --')).to.deep.equal(['--file', '--help', '--output', '--policy', '--values'])
    expect(offeredByZsh('inject -f a.yaml -o ')).to.deep.equal(['json', 'yaml'])
    expect(offeredByZsh('lint --output j')).to.deep.equal(['json'])
    expect(offeredByZsh('completion ')).to.deep.equal(['bash', 'zsh'])
  })

  it('offers files where a file is asked for, and nothing where only the cluster knows (skipped without zsh)', () => {
    expect(offeredByZsh('lint -f or')).to.deep.equal(['orders.yaml'])
    expect(offeredByZsh('doctor ')).to.deep.equal([''])
  })
})

describe('the script for zsh', () => {
  it('has every command with its options', () => {
    expect(SCRIPT.zsh).to.contain("'inject:prints manifests as the webhook would make their pods;")
    expect(SCRIPT.zsh).to.contain(
      "'*-f[manifests as YAML or JSON, several documents allowed; - is standard input]:FILE:_files'",
    )
    expect(SCRIPT.zsh).to.contain(String.raw`'--output[form of the output\: text or json]:FORMAT:(text json)'`)
    expect(SCRIPT.zsh).to.contain("completion) _arguments '1:SHELL:(bash zsh)'")
  })
})
