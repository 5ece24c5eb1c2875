// The product's main job on one machine: an annotated pod becomes a verified request. `npm run demo`, `npm run demo -- --keep`.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PROXY_CONTAINER } from '../../proxy/src/contract.ts'
import type { JsonPatchOperation } from '../../webhook/src/injection/patch.ts'
import { createEmulator } from '../aws-emulator/src/index.ts'
import { createTestAuthority } from '../support/certificates.ts'
import { applyPatch } from '../support/json-patch.ts'
import { startPartner } from '../support/partner/partner.ts'
import { recordedReview, startWebhook, withAnnotation } from '../support/webhook.ts'
import { createOutput } from './output.ts'
import type { Pod } from './pod.ts'
import { readable, required } from './pod.ts'
import { environmentOf, runApplication, startBystander, startSidecar } from './sidecar.ts'
import { expectPartnerAnswer } from './verdict.ts'

const PARTNER = 'api.partner.example'
const PARTNER_PORT = 8443
const AUDIENCE = 'https://api.partner.example'
const ROLE_ARN = 'arn:aws:iam::123456789012:role/orders'
const APPLICATION = 'orders'
const POD_NAME = 'orders-98664b7d7-demo0'

const keep = process.argv.includes('--keep')
const output = createOutput(process.stdout)
const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-demo-'))
const closing: (() => unknown)[] = [() => rmSync(directory, { recursive: true })]
const closeAll = async (): Promise<void> => {
  for (const close of closing.reverse()) await close()
}

async function run(): Promise<void> {
  output.step('An AWS emulator and a partner that verifies tokens')
  const emulator = await createEmulator({
    region: 'eu-central-1',
    accountId: '123456789012',
    roles: [{ arn: ROLE_ARN }],
  })
  closing.push(() => emulator.close())
  const authority = await createTestAuthority('demo authority')
  const partner = await startPartner({
    ...(await authority.issue([PARTNER])),
    issuer: emulator.issuer,
    jwksUri: `${emulator.issuer}/.well-known/jwks.json`,
    audience: AUDIENCE,
    port: PARTNER_PORT,
  })
  closing.push(() => partner.close())
  output.facts({ 'STS, issuer': emulator.url, partner: `https://${PARTNER}:${partner.port} (this machine)` })

  output.step('The webhook admits the recorded pod')
  const caFile = join(directory, 'ca.crt')
  writeFileSync(caFile, authority.ca)
  const sidecarEnv = {
    AWS_ENDPOINT_URL_STS: emulator.stsUrl,
    ALLOW_LOCAL_UPSTREAMS: 'true',
    UPSTREAM_CA_FILE: caFile,
  }
  const webhook = await startWebhook(directory, authority, { SIDECAR_EXTRA_ENV: JSON.stringify(sidecarEnv) })
  closing.push(() => webhook.process.signal('SIGTERM'))
  const review = withAnnotation(recordedReview(), 'outbound-jwt.io/https', 'intercept')
  const { allowed, patch = '', status } = await webhook.review(review)
  if (!allowed) throw new Error(`the webhook refused the recorded pod: ${status?.message ?? ''}`)
  const before = review.request.object as Pod
  const pod = applyPatch(before, JSON.parse(Buffer.from(patch, 'base64').toString()) as JsonPatchOperation[])
  output.podDiff(readable(before), readable(pod))

  output.step('The sidecar starts as the patched pod says')
  output.line('Three things differ from a cluster: volumes are directories of this machine, names resolve to it')
  output.line('(a preload stands in for DNS), and the partner has a certificate of a test CA.')
  const sidecar = await startSidecar(pod, {
    directory,
    podName: POD_NAME,
    names: { [PARTNER]: '127.0.0.1', 'other.example': '127.0.0.1' },
    token: await emulator.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders' }),
  })
  closing.push(() => sidecar.signal('SIGTERM'))
  const listening = await sidecar.logged('listening')
  output.facts({
    [PROXY_CONTAINER]: String(listening['proxy']),
    metrics: `http://127.0.0.1:${portOf(listening['admin'])}/metrics`,
  })

  const environment = environmentOf(pod, APPLICATION, { podName: POD_NAME, directory })
  const claims = { issuer: emulator.issuer, subject: ROLE_ARN, audience: AUDIENCE }
  const place = `${PARTNER}:${PARTNER_PORT}/orders`
  output.step('The application calls the partner by its https:// URL')
  output.facts({ fetch: `https://${place}`, HTTPS_PROXY: required(environment, 'HTTPS_PROXY') })
  output.facts(expectPartnerAnswer(await runApplication(environment, `https://${place}`), claims))

  output.step('An http:// URL gets the same; the sidecar speaks TLS to the partner')
  output.facts({ fetch: `http://${place}`, HTTP_PROXY: required(environment, 'HTTP_PROXY') })
  output.facts(expectPartnerAnswer(await runApplication(environment, `http://${place}`), claims))

  output.step('A host outside the list gets no token')
  const bystander = await startBystander()
  closing.push(() => bystander.close())
  const other = await runApplication(environment, `http://other.example:${bystander.port}/`)
  if (other.status !== 200 || other.body !== '{"authorization":null}')
    throw new Error(`other.example saw ${other.body}`)
  output.facts({ 'other.example': `answered ${other.status} and saw no Authorization header` })

  output.step('A bad annotation is refused')
  const refusal = await webhook.review(withAnnotation(review, 'outbound-jwt.io/hosts', '169.254.169.254'))
  if (refusal.allowed) throw new Error('the webhook admitted a pod with an IP address in hosts')
  output.line(refusal.status?.message ?? '')

  if (keep)
    await keepRunning({
      try: `curl -s --proxy http://${String(listening['proxy'])} --cacert ${required(environment, 'CURL_CA_BUNDLE')} https://${place}`,
      metrics: `curl -s http://127.0.0.1:${portOf(listening['admin'])}/metrics`,
    })
}

/** Leaves everything running until Ctrl-C. */
async function keepRunning(commands: Readonly<Record<string, string>>): Promise<void> {
  output.step('Everything is left running; Ctrl-C ends it')
  output.facts(commands)
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
}

/** Two demos at a time want the same port. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const [, port] = /EADDRINUSE.*:(\d+)$/.exec(error.message) ?? []
  return port === undefined ? error.message : `port ${port} is in use; does another demo run?`
}

function portOf(address: unknown): string {
  return String(address).split(':').at(-1) ?? ''
}

try {
  await run()
  output.step('Done: the partner verified the token, and nobody else got one')
} catch (error) {
  process.exitCode = 1
  process.stderr.write(`\nThe demo failed: ${reasonOf(error)}\n`)
} finally {
  await closeAll()
}
