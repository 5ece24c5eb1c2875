import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { EgressCredentials } from '../../../proxy/src/egress/credentials.ts'
import { followEgressCredentials } from '../../../proxy/src/egress/credentials.ts'
import { readSmallFile } from '../../../proxy/src/runtime/index.ts'
import { until } from '../../support/until.ts'

describe('credentials for the egress proxy', () => {
  let directory: string
  let path: string
  let followed: EgressCredentials | undefined
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'credentials-'))
    path = join(directory, 'credentials')
  })
  afterEach(() => {
    followed?.stop()
    rmSync(directory, { recursive: true })
  })

  const follow = async (readFile = readSmallFile): Promise<EgressCredentials> => {
    followed?.stop()
    return (followed = await followEgressCredentials(path, { readFile, pollMs: 2 }))
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
    const { current, stop } = await followEgressCredentials(undefined, { readFile, pollMs: 2 })
    expect(current()).to.equal(undefined)
    stop()
  })

  it('are one line, whose password may have colons and spaces', async () => {
    for (const [content, credentials] of [
      ['orders:pass', 'orders:pass'],
      ['orders:a b:c\n', 'orders:a b:c'],
      ['orders:\r\n', 'orders:'],
    ] as const) {
      writeFileSync(path, content)
      expect((await follow()).current()).to.equal(credentials)
    }
  })

  it('are read again and again, and the last good ones stay', async () => {
    let reads = 0
    writeFileSync(path, 'orders:one')
    const { current } = await follow((file) => {
      reads += 1
      return readSmallFile(file)
    })
    expect(current()).to.equal('orders:one')
    writeFileSync(path, 'orders:two')
    await until('the second ones are in use', () => current() === 'orders:two')
    for (const breakIt of [(): void => writeFileSync(path, 'nonsense'), (): void => rmSync(path)]) {
      breakIt()
      const before = reads
      await until('the broken file was read', () => reads > before + 1)
      expect(current()).to.equal('orders:two')
    }
    writeFileSync(path, 'orders:three')
    await until('the third ones are in use', () => current() === 'orders:three')
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
    for (const content of ['', ':pass', 'hunter2', 'a:b\nc:d', 'a:b\u0000']) {
      writeFileSync(path, content)
      expect(await refusal(), JSON.stringify(content)).to.equal(' (it has no such line)')
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
    expect(await refusal()).to.equal(' (it has no such line)')
  })
})
