import { Writable } from 'node:stream'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { LogFormat, LogLevel, Logger } from '../../../proxy/src/runtime/index.ts'
import { createLogger } from '../../../proxy/src/runtime/index.ts'
import { captureStream } from '../../support/capture.ts'

function capture(format: LogFormat, level: LogLevel = 'info'): { log: Logger; lines: () => string[] } {
  const { stream, text } = captureStream()
  return { log: createLogger({ level, format, stream }), lines: () => text().split('\n').filter(Boolean) }
}

describe('logger', () => {
  it('writes time, level and msg first, then the fields, as JSON', () => {
    const { log, lines } = capture('json')
    log.info('listening', { port: 15400, tls: false, host: undefined })
    const [line = ''] = lines()
    const parsed = JSON.parse(line) as Record<string, unknown>
    expect(Object.keys(parsed)).to.deep.equal(['time', 'level', 'msg', 'port', 'tls'])
    expect(new Date(String(parsed['time'])).getTime()).to.be.closeTo(Date.now(), 60_000)
    expect(parsed).to.include({ level: 'info', msg: 'listening', port: 15400 })
  })

  it('writes the same as key=value pairs, quoted where needed', () => {
    const { log, lines } = capture('text')
    log.warn('two words', { path: '/a', why: 'a "b"', gone: undefined })
    expect(lines()[0]).to.match(/^time=\S+ level=warn msg="two words" path=\/a why="a \\"b\\""$/)
  })

  it('writes nothing below its level, which can be changed at run time', () => {
    const { log, lines } = capture('json', 'warn')
    log.info('no')
    expect(log.enabled('info')).to.equal(false)
    log.level = 'debug'
    log.debug('yes')
    expect(log.level).to.equal('debug')
    expect(lines().map((line) => (JSON.parse(line) as { msg: string }).msg)).to.deep.equal(['yes'])
  })

  it('lets no field rename the line', () => {
    const { log, lines } = capture('json')
    log.error('real', { count: 1 })
    expect(JSON.parse(lines()[0] ?? '')).to.include({ msg: 'real', level: 'error', count: 1 })
  })

  for (const format of ['json', 'text'] as const) {
    it(`never writes what looks like a token or a credential header (${format})`, () => {
      const { log, lines } = capture(format)
      const token = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl'
      log.error(`failed with ${token}`, {
        header: `Bearer ${token}`,
        basic: 'Basic dXNlcjpwYXNz',
        half: 'eyJhbGciOi.eyJ',
        behind: `x${token}`,
      })
      expect(lines()[0]).to.match(/\[redacted\]/)
      expect(lines().join()).not.to.match(/eyJ|dXNlcjpwYXNz|c2lnbmF0dXJl/)
    })
  }

  it('looks at a line once, whatever it is made of', () => {
    const { log, lines } = capture('json')
    // Begins a token at every tenth character and never ends one: a search that gives back what it took needs ten seconds here.
    log.error('hostile', { text: 'eyJabcdef-'.repeat(20_000), spaces: `Bearer ${' '.repeat(1_000_000)}` })
    expect(lines()[0]).to.match(/"text":"\[redacted\]","spaces":"Bearer +"/)
  })

  it('hands every line to its stream at once and keeps none, however full that is', () => {
    const lines = 100
    const full = new Writable({ highWaterMark: 1, decodeStrings: false, write: () => undefined })
    const log = createLogger({ level: 'info', format: 'text', stream: full })
    for (let line = 0; line < lines; line++) log.info('x')
    const { length } = `time=${new Date().toISOString()} level=info msg=x\n`
    expect(full.writableLength).to.equal(lines * length)
  })
})
