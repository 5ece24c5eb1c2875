// The ConfigMap with the webhook's policy is broken, removed and restored while pods are created.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createTestAuthority } from '../support/certificates.ts'
import { until } from '../support/until.ts'
import type { RunningWebhook } from '../support/webhook.ts'
import { recordedReview, startWebhook, withAnnotation } from '../support/webhook.ts'
import type { FaultRow } from './row.ts'

const RECORDED_HOST = 'api.partner.example'
const OTHER_HOST = 'api.other.example'
/** Reviews of each kind in each state of the file. */
const REVIEWS = 20

/** Grants the namespace of the recorded review one host. */
const granting = (host: string): string =>
  JSON.stringify({
    rules: [
      {
        name: 'shop',
        namespaces: ['shop'],
        hosts: [host],
        audiences: ['*'],
        roleArns: ['arn:aws:iam::123456789012:role/*'],
        sources: ['aws'],
      },
    ],
  })

/** What becomes of the file; the policy before stays in force. */
const FAULTS: Readonly<Record<string, (file: string) => void>> = {
  'YAML that ends in the middle': (file) => writeFileSync(file, 'rules:\n  - name: shop\n    namespaces: [sh'),
  'no rules': (file) => writeFileSync(file, 'rules: []\n'),
  'a field nobody knows': (file) => writeFileSync(file, granting('*').replace('"hosts"', '"host"')),
  'no file': (file) => rmSync(file),
}

export const ROWS: readonly FaultRow[] = [
  {
    id: 'policy-broken',
    fault: `The file of the webhook's policy becomes, one after the other: ${Object.keys(FAULTS).join(', ')}; then another good policy.`,
    invariant:
      'The last good policy stays: what it grants is injected, what it does not is refused, and a metric says so; the other policy is in force once it is there.',
    run: async (): Promise<string> => {
      const directory = mkdtempSync(join(tmpdir(), 'faults-policy-'))
      const file = join(directory, 'policy.yaml')
      writeFileSync(file, granting(RECORDED_HOST))
      const webhook = await startWebhook(directory, await createTestAuthority(), { POLICY_FILE: file })
      try {
        let reviews = await reviewed(webhook, RECORDED_HOST)
        for (const [what, act] of Object.entries(FAULTS)) {
          writeFileSync(file, granting(RECORDED_HOST))
          await current(webhook, 1)
          act(file)
          await current(webhook, 0)
          reviews += await reviewed(webhook, RECORDED_HOST, what)
        }
        writeFileSync(file, granting(OTHER_HOST))
        await current(webhook, 1)
        reviews += await reviewed(webhook, OTHER_HOST)
        return `${reviews} reviews, half of them refused, 0 wrong answers`
      } finally {
        webhook.process.signal('SIGKILL')
        await webhook.process.exited
        rmSync(directory, { recursive: true })
      }
    },
  },
]

/** Sends reviews of pods with either host, and expects that one is granted. @returns how many. */
async function reviewed(webhook: RunningWebhook, granted: string, state = 'good'): Promise<number> {
  for (let count = 0; count < REVIEWS; count += 1)
    for (const host of [RECORDED_HOST, OTHER_HOST]) {
      const { allowed, patch } = await webhook.review(
        withAnnotation(
          withAnnotation(recordedReview(), 'outbound-jwt.io/hosts', host),
          'outbound-jwt.io/audience',
          'urn:any',
        ),
      )
      expect([allowed, patch !== undefined], `${host}, ${state}`).to.deep.equal(Array(2).fill(host === granted))
    }
  return 2 * REVIEWS
}

/** Resolves when the metric says whether the file is what is in force. */
async function current({ adminAddress }: RunningWebhook, value: 0 | 1): Promise<void> {
  await until(
    `outbound_jwt_policy_current ${value}`,
    async () =>
      (await (await fetch(`http://${adminAddress}/metrics`)).text()).includes(
        `\noutbound_jwt_policy_current ${value}\n`,
      ),
    20_000,
    200,
  )
}
