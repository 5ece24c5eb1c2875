import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readEgressCredentials } from '../../../proxy/src/egress/credentials.ts'

describe('credentials for the egress proxy', () => {
  const PATH = '/secret/egress'
  function follow(content: () => string): { readonly read: () => string | undefined; pass(ms: number): void } {
    let nowMs = 0
    const read = readEgressCredentials(PATH, { readFile: content, now: () => nowMs })
    return { read, pass: (ms) => void (nowMs += ms) }
  }

  it('are none where no file is named', () => {
    const readFile = (): string => expect.fail('nothing is to be read')
    expect(readEgressCredentials(undefined, { readFile, now: () => 0 })()).to.equal(undefined)
  })

  it('are one line, whose password may have colons and spaces', () => {
    for (const [content, credentials] of [
      ['orders:pass', 'orders:pass'],
      ['orders:a b:c\n', 'orders:a b:c'],
      ['orders:\r\n', 'orders:'],
    ] as const)
      expect(follow(() => content).read()).to.equal(credentials)
  })

  it('are read again after ten seconds, and the last good ones stay', () => {
    let content = 'orders:one'
    const { read, pass } = follow(() => content)
    content = 'orders:two'
    pass(9_999)
    expect(read()).to.equal('orders:one')
    pass(1)
    expect(read()).to.equal('orders:two')
    content = 'nonsense'
    pass(10_000)
    expect(read()).to.equal('orders:two')
  })

  it('end the start when they cannot be used, and are not quoted then', () => {
    for (const content of ['', ':pass', 'hunter2', 'a:b\nc:d', 'a:b\u0000'])
      expect(() => follow(() => content), JSON.stringify(content))
        .to.throw(`EGRESS_CREDENTIALS_FILE: got "${PATH}", expected a file with one line user:password`)
        .with.property('message')
        .that.does.not.include('hunter2')
    const missing = (): string => {
      throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    }
    expect(() => follow(missing)).to.throw('(ENOENT)')
  })
})
