import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { followEgressCredentials, openEgressCredentials } from '../../../proxy/src/egress/credentials.ts'
import type { EgressCredentials } from '../../../proxy/src/egress/credentials.ts'
import { readSmallFile } from '../../../proxy/src/runtime/index.ts'
import { captureLog } from '../../support/tokens/log.ts'
import type { CapturedLog } from '../../support/tokens/log.ts'
import { until } from '../../support/until.ts'

const NOT_REPLACED = 'egress credentials not replaced; the ones before stay in use'

describe('credentials for the egress proxy', () => {
  let directory: string
  let path: string
  let captured: CapturedLog
  let stop: (() => void) | undefined
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'credentials-'))
    path = join(directory, 'credentials')
    captured = captureLog()
  })
  afterEach(() => {
    stop?.()
    rmSync(directory, { recursive: true })
  })

  const follow = async (readFile = readSmallFile): Promise<EgressCredentials> => {
    stop?.()
    const opened = await openEgressCredentials(path, readFile)
    stop = followEgressCredentials(opened, { readFile, pollMs: 2, log: captured.log })
    return opened
  }

  /** @returns why the start fails. */
  const refusal = async (): Promise<string> => {
    const message = await follow().then(
      () => 'it was read',
      (error: unknown) => (error as Error).message,
    )
    const [, wrong] = message.split(
      `EGRESS_CREDENTIALS_FILE: got "${path}", expected a file with one line user:password`,
    )
    return wrong ?? message
  }

  it('are none where no file is named', async () => {
    const readFile = (): Promise<string> => expect.fail('nothing is to be read')
    const none = await openEgressCredentials(undefined, readFile)
    expect(none.current).to.equal(undefined)
    followEgressCredentials(none, { readFile, pollMs: 2, log: captured.log })()
  })

  it('are one line, whose password may have colons and spaces', async () => {
    for (const [content, credentials] of [
      ['orders:pass', 'orders:pass'],
      ['orders:a b:c\n', 'orders:a b:c'],
      ['orders:\r\n', 'orders:'],
    ] as const) {
      writeFileSync(path, content)
      expect((await follow()).current).to.equal(credentials)
    }
  })

  it('are read again and again, and the last good ones stay', async () => {
    let reads = 0
    writeFileSync(path, 'orders:one')
    const followed = await follow((file) => {
      reads += 1
      return readSmallFile(file)
    })
    expect(followed.current).to.equal('orders:one')
    writeFileSync(path, 'orders:two')
    await until('the second ones are in use', () => followed.current === 'orders:two')
    for (const breakIt of [(): void => writeFileSync(path, 'nonsense'), (): void => rmSync(path)]) {
      breakIt()
      const before = reads
      await until('the broken file was read', () => reads > before + 1)
      expect(followed.current).to.equal('orders:two')
    }
    writeFileSync(path, 'orders:three')
    await until('the third ones are in use', () => followed.current === 'orders:three')
  })

  it('are told of once when they cannot replace the ones before, and are not quoted then', async () => {
    let reads = 0
    writeFileSync(path, 'orders:one')
    const followed = await follow((file) => {
      reads += 1
      return readSmallFile(file)
    })
    const readAgain = async (): Promise<void> => {
      const before = reads
      await until('it was read again and again', () => reads > before + 2)
    }
    const noLine = 'it has no such line in UTF-8'
    const told: string[] = []
    for (const [change, problem] of [
      [() => writeFileSync(path, 'hunter2'), noLine],
      [() => rmSync(path), 'ENOENT'],
      [() => writeFileSync(path, 'orders:two'), undefined],
      [() => writeFileSync(path, 'hunter3'), noLine],
    ] as const) {
      change()
      await readAgain()
      if (problem !== undefined) told.push(problem)
      const lines = captured.lines(NOT_REPLACED)
      expect(lines.map((line) => line['problem'])).to.deep.equal(told)
      for (const line of lines) expect(line).to.include({ level: 'warn', file: path })
    }
    expect(followed.current).to.equal('orders:two')
    expect(captured.text()).not.to.include('hunter')
  })

  it('are asked for once at a time, however long reading takes', async () => {
    let reading = 0
    let most = 0
    let reads = 0
    await follow(async () => {
      reading += 1
      most = Math.max(most, reading)
      await delay(10)
      reading -= 1
      reads += 1
      return 'orders:one'
    })
    await until('they were read three times', () => reads === 3)
    expect(most).to.equal(1)
  })

  it('end the start when they cannot be used, and are not quoted then', async () => {
    const latin1 = Buffer.from('orders:gr\u00fcn', 'latin1')
    for (const content of ['', ':pass', 'hunter2', 'a:b\nc:d', 'a:b\u0000', '\ufefforders:pass', latin1]) {
      writeFileSync(path, content)
      expect(await refusal(), JSON.stringify(content)).to.equal(' (it has no such line in UTF-8)')
    }
    rmSync(path)
    expect(await refusal()).to.equal(' (ENOENT)')
  })

  it('end the start when the file is too large, and are not waited for when it is a pipe', async () => {
    writeFileSync(path, '')
    truncateSync(path, 4 * 1024 ** 3)
    expect(await refusal()).to.equal(' (EFBIG)')
    rmSync(path)
    execFileSync('mkfifo', [path])
    expect(await refusal()).to.equal(' (it has no such line in UTF-8)')
  })
})
