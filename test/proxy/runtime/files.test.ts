import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { errorCode, readSmallFile } from '../../../proxy/src/runtime/index.ts'

describe('a small file', () => {
  let directory: string
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'files-'))))
  afterEach(() => rmSync(directory, { recursive: true }))

  const failure = (path: string): Promise<string | undefined> =>
    readSmallFile(path).then((text) => expect.fail(`it was read: ${text.length} characters`), errorCode)

  it('is read whole up to 64 KiB, through links as the kubelet makes them', async () => {
    const path = join(directory, 'secret')
    symlinkSync('data', path)
    writeFileSync(join(directory, 'data'), 'é'.repeat(32 * 1024))
    expect(await readSmallFile(path)).to.equal('é'.repeat(32 * 1024))
    writeFileSync(join(directory, 'data'), '')
    expect(await readSmallFile(path)).to.equal('')
  })

  it('is refused when it is larger, however large it is', async () => {
    const path = join(directory, 'secret')
    for (const bytes of [64 * 1024 + 1, 4 * 1024 ** 3]) {
      writeFileSync(path, '')
      truncateSync(path, bytes)
      expect(await failure(path)).to.equal('EFBIG')
    }
    expect(await failure('/dev/zero')).to.equal('EFBIG')
  })

  it('is refused when it is none, with the code of Node', async () => {
    expect(await failure(join(directory, 'none'))).to.equal('ENOENT')
    expect(await failure(directory)).to.equal('EISDIR')
    symlinkSync('loop', join(directory, 'loop'))
    expect(await failure(join(directory, 'loop'))).to.equal('ELOOP')
  })

  it('is not waited for when it is a pipe that nobody writes to', async () => {
    const path = join(directory, 'pipe')
    execFileSync('mkfifo', [path])
    expect(await readSmallFile(path)).to.equal('')
  })
})
