import { EventEmitter } from 'node:events'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createLogger, describeError, superviseProcess } from '../../../proxy/src/runtime/index.ts'
import { captureStream } from '../../support/capture.ts'

interface Supervised {
  readonly emitter: EventEmitter
  readonly exited: Promise<number>
  output(): string
}

function supervised(drain: () => Promise<void>, shutdownTimeoutMs = 10_000): Supervised {
  const { stream, text } = captureStream()
  const emitter = new EventEmitter()
  const exited = new Promise<number>((resolve) => {
    const process = Object.assign(emitter, { exit: resolve })
    superviseProcess({
      process,
      drain,
      shutdownTimeoutMs,
      log: createLogger({ level: 'info', format: 'json', stream }),
    })
  })
  return { emitter, exited, output: text }
}

describe('process supervision', () => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    it(`drains once on ${signal} and exits 0`, async () => {
      let drains = 0
      const { emitter, exited } = supervised(() => {
        drains += 1
        return Promise.resolve()
      })
      emitter.emit(signal)
      emitter.emit(signal)
      expect(await exited).to.equal(0)
      expect(drains).to.equal(1)
    })
  }

  it('exits 1 when the drain outlasts its limit', async () => {
    const { emitter, exited, output } = supervised(() => new Promise(() => undefined), 1)
    emitter.emit('SIGTERM')
    expect(await exited).to.equal(1)
    expect(output()).to.contain('shutdown timeout passed')
  })

  it('exits 1 when the drain fails', async () => {
    const { emitter, exited } = supervised(() => Promise.reject(new Error('stuck')))
    emitter.emit('SIGTERM')
    expect(await exited).to.equal(1)
  })

  for (const event of ['uncaughtException', 'unhandledRejection']) {
    it(`logs an ${event} and exits 1`, async () => {
      const { emitter, exited, output } = supervised(() => Promise.resolve())
      emitter.emit(event, new Error('broken'))
      expect(await exited).to.equal(1)
      expect(output()).to.contain('fatal').and.to.contain('broken')
    })
  }
})

describe('error description', () => {
  it('has the stack of an error and nothing of its other properties', () => {
    const error = Object.assign(new Error('no'), { $response: 'secret' })
    expect(describeError(error)).to.contain('Error: no').and.not.to.contain('secret')
    delete error.stack
    expect(describeError(error)).to.equal('Error: no')
  })

  it('is the text of anything else', () => expect(describeError(42)).to.equal('42'))
})
