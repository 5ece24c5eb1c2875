import { existsSync, readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import type { CommandName, OptionName } from '../../webhook/src/cli/commands.ts'
import { COMMANDS, OPTIONS, optionsOf } from '../../webhook/src/cli/commands.ts'

const PAGES = ['*.md', '{docs,charts,test,.github}/**/*.md', 'charts/*/templates/NOTES.txt']
const CODE = /^```\w*\n[\s\S]*?^```|`[^`\n]+`/gm
const REPOSITORY = 'aws-outbound-jwt-injector/aws-outbound-jwt-injector'

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Readonly<Record<string, string>> }

const isCommand = (name: string): name is CommandName => Object.hasOwn(COMMANDS, name)

/** @returns the options on a command line that its command does not have. */
function unknownOptions(command: CommandName, rest: string): readonly string[] {
  const known: readonly OptionName[] = [...optionsOf(COMMANDS[command]), 'help']
  const forms = known.flatMap((name) => {
    const { short } = OPTIONS[name] as { readonly short?: string }
    return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`]
  })
  return [...rest.matchAll(/(?<=[\s[])-{1,2}[a-z][a-z-]*/gi)]
    .map(([option]) => option)
    .filter((option) => !forms.includes(option))
}

describe('commands that the pages name', () => {
  const texts = new Map<string, string>()

  before(async () => {
    for await (const file of glob(PAGES, { exclude: ['**/node_modules/**'] }))
      texts.set(file, readFileSync(file, 'utf8'))
  })

  /** @returns each match of a pattern with its page; fails when there is next to none. */
  function found(
    pattern: RegExp,
    inCode: boolean,
  ): readonly { readonly file: string; readonly match: RegExpMatchArray }[] {
    const all = [...texts].flatMap(([file, text]) => {
      const code = inCode ? (text.match(CODE) ?? []).join('\n') : text
      return [...code.matchAll(pattern)].map((match) => ({ file, match }))
    })
    expect(all).to.have.length.above(2)
    return all
  }

  it('are npm scripts that there are', () => {
    const unknown = found(/npm (?:run|test)(?: -s| --silent)*(?: ([a-z][\w:-]*))?/g, true).filter(
      ({ match: [line, script] }) => !Object.hasOwn(scripts, script ?? (line.startsWith('npm test') ? 'test' : '')),
    )
    expect(unknown.map(({ file, match: [line] }) => `${file}: ${line}`)).to.deep.equal([])
  })

  it('are commands of outbound-jwt, with options that they have', () => {
    const calls = found(/(?<![\w./-])outbound-jwt ([a-z][a-z-]*)([^`|;&\n]*)/g, true)
    const wrong = calls.filter(
      ({ match: [, name = '', rest = ''] }) => !isCommand(name) || unknownOptions(name, rest).length > 0,
    )
    expect(wrong.map(({ file, match: [call] }) => `${file}: ${call}`)).to.deep.equal([])
  })

  it('are programs that the images have', () => {
    const build = readFileSync('build.mjs', 'utf8')
    const missing = found(/\/app\/(\w+)\.mjs/g, false).filter(
      ({ match: [, name = ''] }) => !build.includes(` ${name}: '`),
    )
    expect(missing.map(({ file, match: [path] }) => `${file}: ${path}`)).to.deep.equal([])
  })

  it('are files of the repository, where an address on GitHub names one', () => {
    const address = new RegExp(`${REPOSITORY}/(?:(?:blob|tree|raw)/)?(?:main|v\\d[\\w.]*)/([\\w./-]+)`, 'g')
    const all = [...texts].flatMap(([file, text]) =>
      [...text.matchAll(address)].map(([, path = '']) => ({ file, path })),
    )
    expect(all).not.to.be.empty
    expect(all.filter(({ path }) => !existsSync(path))).to.deep.equal([])
  })
})
