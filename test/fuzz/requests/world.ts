import { startRecorder } from '../../support/proxy/recorder.ts'
import type { Recorder } from '../../support/proxy/recorder.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import { startTestProxy } from '../../support/proxy/proxy.ts'
import type { TestProxy } from '../../support/proxy/proxy.ts'
import type { Hosts } from './script.ts'

const RULE_HOST = 'api.partner.example'
const PLAIN_HOST = 'plain.example'

/** A proxy between the fuzzer and two upstreams that write everything down. */
export interface FuzzWorld {
  readonly proxy: TestProxy
  readonly hosts: Hosts
  /** The host with a rule. */
  readonly partner: Recorder
  /** Every other host. */
  readonly plain: Recorder
  close(): Promise<void>
}

/** Limits are short, so that a hang is seen soon. */
export async function createFuzzWorld(): Promise<FuzzWorld> {
  const authority = await createTestAuthority()
  const partner = await startRecorder(await authority.issue([RULE_HOST]))
  const plain = await startRecorder()
  const hosts: Hosts = { rule: `${RULE_HOST}:${partner.port}`, plain: `${PLAIN_HOST}:${plain.port}` }
  const proxy = await startTestProxy({
    ca: authority.ca,
    routes: [{ hosts: [hosts.rule] }],
    settings: { UPSTREAM_TIMEOUT: '1s' },
    limits: {
      headMs: 300,
      keepAliveMs: 100,
      bodyIdleMs: 1_100,
      unruledMs: 1_100,
      silenceMarginMs: 100,
      connectMs: 500,
    },
  })
  return {
    proxy,
    hosts,
    partner,
    plain,
    close: async () => {
      await Promise.all([proxy.close(), partner.close(), plain.close()])
    },
  }
}
