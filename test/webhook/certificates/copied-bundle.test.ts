import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createLogger } from '../../../proxy/src/runtime/index.ts'
import { createCopiedBundle } from '../../../webhook/src/certificates/copied-bundle.ts'
import { KubeError } from '../../../webhook/src/kube/failure.ts'
import { captureStream } from '../../support/capture.ts'
import { createFakeApi, resourcesOf } from '../../support/rotation/api.ts'
import { until } from '../../support/until.ts'

const logged = (): { readonly log: ReturnType<typeof createLogger>; readonly lines: () => number } => {
  const { stream, text } = captureStream()
  return {
    log: createLogger({ level: 'info', format: 'json', stream }),
    lines: () => text().split('\n').filter(Boolean).length,
  }
}

describe('caBundle of a second registration', () => {
  it('is written into every entry where it differs, and only then', async () => {
    const api = createFakeApi(['a', 'b'])
    const { log } = logged()
    const { copy } = createCopiedBundle({ configuration: resourcesOf(api).configuration, log })
    copy('PEM')
    await until('it is written', () => api.writes.configuration === 1)
    expect(api.configuration?.entries.map(({ caBundle }) => caBundle)).to.deep.equal(['PEM', 'PEM'])
    let reads = 0
    const { read, publish } = resourcesOf(api).configuration
    const again = createCopiedBundle({ configuration: { read: () => ((reads += 1), read()), publish }, log })
    again.copy('PEM')
    await until('it is read', () => reads === 1)
    again.copy('NEXT')
    again.copy('NEXT')
    expect(api.writes.configuration).to.equal(1)
  })

  for (const [code, lines] of [
    ['not-found', 0],
    ['conflict', 0],
    ['forbidden', 1],
  ] as const)
    it(`${lines === 0 ? 'is not missed' : 'is missed once'} when the API server says ${code}`, async () => {
      const out = logged()
      let reads = 0
      const { publish } = resourcesOf(createFakeApi()).configuration
      const { copy } = createCopiedBundle({
        configuration: {
          read: () => {
            reads += 1
            return Promise.reject(new KubeError(code, 'get it'))
          },
          publish,
        },
        log: out.log,
      })
      for (const count of [1, 2, 3])
        await until(`look ${count}`, () => {
          copy('PEM')
          return reads >= count
        })
      await until('it has looked', () => out.lines() === lines)
      expect(out.lines()).to.equal(lines)
    })
})
