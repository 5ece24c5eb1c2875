import { spawnSync } from 'node:child_process'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { runWith } from '../../support/cli/files.ts'

const SCRIPT = { bash: runWith({}, 'completion', 'bash').stdout, zsh: runWith({}, 'completion', 'zsh').stdout }

/** @returns what bash offers for the last of the words. */
function offered(...words: readonly string[]): readonly string[] {
  const script = `${SCRIPT.bash}
COMP_WORDS=("$@"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_outbound_jwt
printf '%s\\n' "\${COMPREPLY[@]}"`
  const { status, stdout, stderr } = spawnSync('bash', ['-uc', script, '-', 'outbound-jwt', ...words], {
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

describe('completion in zsh', () => {
  it('is a script that zsh can read (skipped without zsh)', function () {
    if (spawnSync('zsh', ['--version']).status !== 0) this.skip()
    expect(spawnSync('zsh', ['-n'], { input: SCRIPT.zsh, encoding: 'utf8' })).to.include({ status: 0, stderr: '' })
  })

  it('has every command with its options', () => {
    expect(SCRIPT.zsh).to.contain("'inject:prints manifests as the webhook would make their pods;")
    expect(SCRIPT.zsh).to.contain(
      "'*-f[manifests as YAML or JSON, several documents allowed; - is standard input]:FILE:_files'",
    )
    expect(SCRIPT.zsh).to.contain(String.raw`'--output[form of the output\: text or json]:FORMAT:(text json)'`)
    expect(SCRIPT.zsh).to.contain("completion) _arguments '1:SHELL:(bash zsh)'")
  })
})
