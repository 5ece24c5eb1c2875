import { once } from 'node:events'
import { connect, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { clearTimeoutOnDestroy } from '../../../proxy/src/http/http2-timeout.ts'
import { until } from '../../support/until.ts'

const LATER_MS = 3_600_000

describe('the timeout of a stream of HTTP/2', () => {
  it('keeps nothing of a stream that is destroyed with its session', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const forgotten = await destroyedWithItsSession((server.address() as AddressInfo).port)
      await until('the stream is collected', () => {
        collect()
        return forgotten.deref() === undefined
      })
      expect(forgotten.deref()).to.equal(undefined)
    } finally {
      server.close()
    }
  })
})

async function destroyedWithItsSession(port: number): Promise<WeakRef<object>> {
  const session = connect(`http://127.0.0.1:${port}`).on('error', () => undefined)
  await once(session, 'connect')
  const stream = session.request({ ':path': '/' }).on('error', () => undefined)
  clearTimeoutOnDestroy(stream)
  stream.setTimeout(LATER_MS, () => undefined)
  const closed = once(stream, 'close')
  session.destroy()
  await closed
  return new WeakRef(stream)
}
