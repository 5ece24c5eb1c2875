import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { parseAllDocuments } from 'yaml'
import { PROXY_CONTAINER } from '../../proxy/src/contract.ts'
import type { TestAuthority } from '../support/certificates.ts'
import { createTestAuthority } from '../support/certificates.ts'
import { until } from '../support/until.ts'
import { apply, createNamespace, diagnosis, kubectl, rolledOut } from './support/kubectl.ts'

const SYSTEM = 'outbound-jwt-e2e'
const SHOP = 'outbound-jwt-e2e-shop'
const CONFIGURATION = 'aws-outbound-jwt-e2e'
const PARTNER = 'api.partner.example'
const ANSWER_LIMIT_MS = 30_000
const APPLICATION_IMAGE = 'ghcr.io/aws-outbound-jwt-injector/partner:e2e'

interface Container {
  readonly name: string
  readonly restartPolicy?: string
}

interface Answer {
  readonly status: number
  readonly body: string
}

describe('first contact with a real API server', function () {
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    await cleanUp()
    const authority = await createTestAuthority('e2e authority')
    await Promise.all([createNamespace(SYSTEM), createNamespace(SHOP)])
    await Promise.all([
      tlsSecret(authority, 'webhook-tls', `webhook.${SYSTEM}.svc`),
      tlsSecret(authority, 'partner-tls', PARTNER),
      apply(SHOP, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'partner-ca' },
        data: { 'ca.crt': authority.ca },
      }),
    ])
    await apply(SYSTEM, readFileSync('test/aws-emulator/manifest.yaml', 'utf8'))
    await apply(SYSTEM, readFileSync('test/e2e/manifests/system.yaml', 'utf8'))
    await Promise.all(['webhook', 'partner', 'aws-emulator'].map((name) => rolledOut(SYSTEM, name)))
    await apply(SYSTEM, webhookConfiguration(authority.ca))
  })

  after(async () => {
    if (process.env['KUBECONFIG'] !== undefined) await cleanUp()
  })

  it('admits the example, starts its native sidecar, and the application gets a verified answer', async () => {
    await apply(SHOP, await example())
    await rolledOut(SHOP, 'orders')
    const pod = await orders()
    const sidecar = pod.spec.initContainers.find(({ name }) => name === PROXY_CONTAINER)
    expect(sidecar).to.include({ restartPolicy: 'Always' })
    const answer = await applicationAnswer(pod.metadata.name)
    expect(answer.status, `${answer.body}\n${await diagnosis(SHOP)}`).to.equal(200)
    const { verified, claims } = JSON.parse(answer.body) as { verified: boolean; claims: Record<string, unknown> }
    expect(verified).to.equal(true)
    expect(claims).to.include({ sub: 'arn:aws:iam::123456789012:role/orders', aud: 'https://api.partner.example' })
  })

  it('refuses a bad annotation with a message that names it', async () => {
    const refusal = await apply(
      SHOP,
      annotatedPod({ 'outbound-jwt.io/inject': 'true', 'outbound-jwt.io/hosts': '10.0.0.1' }),
    ).catch(String)
    expect(refusal).to.contain('outbound-jwt.io/hosts').and.to.contain('10.0.0.1')
  })

  it('leaves a pod without annotations alone', async () => {
    await apply(SHOP, annotatedPod({}))
    const pod = await kubectl('get', 'pod', 'plain', '-n', SHOP, '-o', 'json')
    expect(pod).not.to.contain(PROXY_CONTAINER).and.not.to.contain('HTTP_PROXY')
  })
})

/** Waits until everything is gone, so that a run can follow another, also one that was cut short. */
async function cleanUp(): Promise<void> {
  await kubectl('delete', 'mutatingwebhookconfiguration', CONFIGURATION, '--ignore-not-found')
  await kubectl('delete', 'namespace', SHOP, SYSTEM, '--ignore-not-found', '--timeout=90s')
}

async function tlsSecret(authority: TestAuthority, name: string, host: string): Promise<void> {
  const { cert, key } = await authority.issue([host])
  await apply(SYSTEM, {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name },
    stringData: { 'tls.crt': cert, 'tls.key': key },
  })
}

function webhookConfiguration(ca: string): object {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: CONFIGURATION },
    webhooks: [
      {
        name: 'pods.outbound-jwt.io',
        clientConfig: {
          service: { name: 'webhook', namespace: SYSTEM, path: '/mutate' },
          caBundle: Buffer.from(ca).toString('base64'),
        },
        rules: [
          { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], scope: 'Namespaced' },
        ],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': SHOP } },
        matchConditions: [
          {
            name: 'annotated',
            expression:
              "has(object.metadata.annotations) && object.metadata.annotations.exists(key, key.startsWith('outbound-jwt.io/'))",
          },
        ],
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        reinvocationPolicy: 'IfNeeded',
        timeoutSeconds: 5,
      },
    ],
  }
}

/** The example as it is published, with an image that exists here and the partner's name in the pod's hosts file. */
async function example(): Promise<string> {
  const address = await kubectl('get', 'service', 'partner', '-n', SYSTEM, '-o', 'jsonpath={.spec.clusterIP}')
  const documents = parseAllDocuments(readFileSync('manifests/examples/private-ca.yaml', 'utf8')).map((document) => {
    if (document.get('kind') !== 'Deployment') return document
    const pod = ['spec', 'template', 'spec']
    document.setIn([...pod, 'hostAliases'], [{ ip: address, hostnames: [PARTNER] }])
    document.setIn([...pod, 'containers', 0, 'image'], APPLICATION_IMAGE)
    document.setIn([...pod, 'containers', 0, 'imagePullPolicy'], 'IfNotPresent')
    document.setIn([...pod, 'containers', 0, 'args'], ['/app/application.mjs', `http://${PARTNER}/orders`, '--serve'])
    return document
  })
  return documents.map(String).join('\n---\n')
}

async function orders(): Promise<{ metadata: { name: string }; spec: { initContainers: readonly Container[] } }> {
  const list = JSON.parse(await kubectl('get', 'pods', '-n', SHOP, '-l', 'app=orders', '-o', 'json')) as {
    items: { metadata: { name: string }; spec: { initContainers: Container[] } }[]
  }
  expect(list.items).to.have.lengthOf(1)
  return list.items[0]!
}

/** Waits for the line in which the application prints what the partner said. */
async function applicationAnswer(pod: string): Promise<Answer> {
  await kubectl('wait', '-n', SHOP, `pod/${pod}`, '--for=condition=Ready', '--timeout=60s')
  let line: string | undefined
  const answered = async (): Promise<boolean> => {
    const lines = (await kubectl('logs', '-n', SHOP, pod, '-c', 'orders')).split('\n')
    line = lines.find((text) => text.includes('"answer"'))
    return line !== undefined
  }
  await until(`an answer in the log of ${pod}`, answered, ANSWER_LIMIT_MS).catch(async (cause: unknown) => {
    throw new Error(await diagnosis(SHOP), { cause })
  })
  return JSON.parse(line ?? '') as Answer
}

function annotatedPod(annotations: Readonly<Record<string, string>>): object {
  const securityContext = {
    allowPrivilegeEscalation: false,
    runAsNonRoot: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'plain', annotations },
    spec: {
      containers: [{ name: 'application', image: APPLICATION_IMAGE, imagePullPolicy: 'IfNotPresent', securityContext }],
    },
  }
}
