import { expect } from 'chai'
import { afterEach, before, beforeEach, describe, it } from 'mocha'
import { SettingsError, createLogger, createMetrics } from '../../../proxy/src/runtime/index.ts'
import { startMounted } from '../../../webhook/src/certificates/mounted.ts'
import type { CertificateMode } from '../../../webhook/src/certificates/serving.ts'
import { createServing } from '../../../webhook/src/certificates/serving.ts'
import { METRICS } from '../../../webhook/src/metrics.ts'
import type { Capture } from '../../support/capture.ts'
import { captureStream } from '../../support/capture.ts'
import type { KeyPair, TestAuthority } from '../../support/certificates.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import { until } from '../../support/until.ts'

describe('certificate in mounted files', () => {
  let authority: TestAuthority
  let first: KeyPair
  let second: KeyPair
  let files: Record<string, string>
  let installed: string[]
  let log: Capture
  let mode: CertificateMode | undefined
  let now: number

  before(async () => {
    authority = await createTestAuthority()
    first = await authority.issue(['a.example'])
    second = await authority.issue(['a.example'])
  })
  beforeEach(() => {
    files = { crt: first.cert, key: first.key }
    installed = []
    log = captureStream()
    mode = undefined
    now = Date.now()
  })
  afterEach(() => mode?.stop())

  function start({ instruments } = createMetrics(METRICS)): void {
    const logger = createLogger({ level: 'info', format: 'json', stream: log.stream })
    mode = startMounted({
      files: { certFile: 'crt', keyFile: 'key' },
      read: (path) => files[path] ?? expect.fail(`no such file: ${path}`),
      serving: createServing({ install: ({ cert }) => installed.push(cert), log: logger, instruments }),
      now: () => now,
      pollMs: 5,
      log: logger,
      instruments,
    })
  }
  const logged = (text: string): Promise<void> => until(`a line with ${text}`, () => log.text().includes(text))

  it('says nothing about caBundle, which others keep', async () => {
    const metrics = createMetrics(METRICS)
    start(metrics)
    const { body } = await metrics.render()
    expect(body).to.match(/^outbound_jwt_certificate_changes_total\{change="served"\} 1$/m)
    expect(body).not.to.match(/^outbound_jwt_(?:certificate_trusted|watch_connected) /m)
  })

  it('is served, and followed when it changes', async () => {
    start()
    expect(installed).to.deep.equal([first.cert])
    expect(mode?.notReadyReason()).to.equal(undefined)
    files = { crt: second.cert, key: second.key }
    await until('the second is installed', () => installed.length === 2)
    expect(installed[1]).to.equal(second.cert)
  })

  it('stays the last good one while the files cannot be used, with one line about it', async () => {
    start()
    files = { crt: second.cert, key: first.key }
    await logged('files-unreadable')
    files = { crt: 'no PEM', key: second.key }
    await logged('TLS_CERT_FILE')
    expect(installed).to.deep.equal([first.cert])
    expect(mode?.notReadyReason()).to.equal(undefined)
    expect(log.text()).not.to.include(second.key.split('\n')[1])
    files = { crt: second.cert, key: second.key }
    await logged('certificate problem is over')
    expect(installed).to.deep.equal([first.cert, second.cert])
  })

  it('is not ready once it has expired, and ready again with another', async () => {
    start()
    now += 3 * 24 * 60 * 60 * 1000
    expect(mode?.notReadyReason()).to.include('expired')
    await logged('files-expired')
    const later = await authority.issue(['a.example'], { notAfter: new Date(now + 60_000) })
    files = { crt: later.cert, key: later.key }
    await until('it is ready', () => mode?.notReadyReason() === undefined)
  })

  it('cannot begin without a good pair', () => {
    files = { crt: 'no PEM', key: first.key }
    expect(start).to.throw(SettingsError, 'TLS_CERT_FILE')
  })
})
