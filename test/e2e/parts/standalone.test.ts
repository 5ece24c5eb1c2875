import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import type { Document } from 'yaml'
import { parseAllDocuments } from 'yaml'
import { PROXY_CONTAINER } from '../../../proxy/src/contract.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import { expectVerified, firstAnswers } from '../support/answers.ts'
import { eventually } from '../support/eventually.ts'
import { apply, createNamespace, deleteNamespaces, diagnosis, kubectl, rolledOut } from '../support/kubectl.ts'
import { ROLE_ARN, WORLD_IMAGE } from '../support/names.ts'

const NAMESPACE = 'outbound-jwt-e2e-standalone'
const PARTNER = 'api.partner.example'
const PROXY_IMAGE = 'ghcr.io/aws-outbound-jwt-injector/proxy:e2e'
const TOKEN_DIRECTORY = '/var/run/secrets/eks.amazonaws.com/serviceaccount'
const CA_DIRECTORY = '/etc/partner-ca'

describe('the hand-written sidecar of manifests/examples/standalone.yaml', function () {
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    await deleteNamespaces(NAMESPACE)
    await createNamespace(NAMESPACE)
    const authority = await createTestAuthority('e2e authority')
    const { cert, key } = await authority.issue([PARTNER])
    await apply(NAMESPACE, secret('partner-tls', { 'tls.crt': cert, 'tls.key': key }))
    await apply(NAMESPACE, configMap('partner-ca', { 'ca.crt': authority.ca }))
    await apply(NAMESPACE, readFileSync('test/aws-emulator/manifest.yaml', 'utf8'))
    await apply(NAMESPACE, partner())
    await Promise.all(['partner', 'aws-emulator'].map((name) => rolledOut(NAMESPACE, name)))
    await apply(NAMESPACE, await example())
  })
  after(async () => {
    if (process.env['KUBECONFIG'] !== undefined) await deleteNamespaces(NAMESPACE)
  })

  it('gives an application that calls 127.0.0.1:8080 a verified answer of the partner', async () => {
    await rolledOut(NAMESPACE, 'orders')
    const [answer] = await firstAnswers({ namespace: NAMESPACE, workload: 'deployment/orders', container: 'orders' })
    expectVerified(answer!)
    expect(JSON.parse(answer!.body)).to.include({ host: PARTNER, path: '/orders' })
  })

  it('writes one line per request, and no token', async () => {
    const log = await kubectl('logs', '-n', NAMESPACE, 'deployment/orders', '-c', PROXY_CONTAINER)
    const lines = log.split('\n').filter((line) => line.includes('"path":"/orders"'))
    expect(lines, log).to.have.lengthOf(1)
    expect(JSON.parse(lines[0]!)).to.include({ level: 'info', msg: 'request', host: PARTNER, status: 200 })
    expect(log).not.to.match(/eyJ/)
  })

  it('ends with 64 on a misspelt flag, and the pod says which', async () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'misspelt' },
      spec: {
        restartPolicy: 'Never',
        containers: [{ ...sidecar(), image: PROXY_IMAGE, args: [`--upstream-hots=${PARTNER}`] }],
      },
    }
    await apply(NAMESPACE, pod)
    await eventually('the container has ended', async () => (await terminated()) !== '')
    expect(await terminated(), await diagnosis(NAMESPACE)).to.match(/^64 .*--upstream-hots/s)
  })
})

/** @returns exit status and termination message of the misspelt container; empty while it runs. */
function terminated(): Promise<string> {
  const state = '.status.containerStatuses[0].state.terminated'
  const path = `jsonpath={${state}.exitCode} {${state}.message}`
  return kubectl('get', 'pod', 'misspelt', '-n', NAMESPACE, '-o', path).then((text) => text.trim())
}

/** The example as it is published; what EKS, its hook and the partner's DNS would add is added here. */
async function example(): Promise<string> {
  const address = await kubectl('get', 'service', 'partner', '-n', NAMESPACE, '-o', 'jsonpath={.spec.clusterIP}')
  const documents = parseAllDocuments(readFileSync('manifests/examples/standalone.yaml', 'utf8'))
  for (const document of documents) if (document.get('kind') === 'Deployment') runHere(document, address)
  return documents.map(String).join('\n---\n')
}

function runHere(deployment: Document, address: string): void {
  const pod = ['spec', 'template', 'spec']
  const proxy = [...pod, 'initContainers', 0]
  const application = [...pod, 'containers', 0]
  deployment.setIn([...pod, 'hostAliases'], [{ ip: address, hostnames: [PARTNER] }])
  deployment.setIn(
    [...pod, 'volumes'],
    [
      { name: 'partner-ca', configMap: { name: 'partner-ca' } },
      {
        name: 'aws-iam-token',
        projected: { sources: [{ serviceAccountToken: { audience: 'sts.amazonaws.com', path: 'token' } }] },
      },
    ],
  )
  deployment.setIn([...proxy, 'image'], PROXY_IMAGE)
  deployment.setIn([...proxy, 'imagePullPolicy'], 'IfNotPresent')
  deployment.setIn(
    [...proxy, 'volumeMounts'],
    [
      { name: 'partner-ca', mountPath: CA_DIRECTORY },
      { name: 'aws-iam-token', mountPath: TOKEN_DIRECTORY },
    ],
  )
  for (const [name, value] of Object.entries({
    AWS_REGION: 'eu-central-1',
    AWS_ROLE_ARN: ROLE_ARN,
    AWS_WEB_IDENTITY_TOKEN_FILE: `${TOKEN_DIRECTORY}/token`,
    AWS_ENDPOINT_URL_STS: `http://aws-emulator.${NAMESPACE}`,
    UPSTREAM_CA_FILE: `${CA_DIRECTORY}/ca.crt`,
  }))
    deployment.addIn([...proxy, 'env'], { name, value })
  deployment.setIn([...application, 'image'], WORLD_IMAGE)
  deployment.setIn([...application, 'imagePullPolicy'], 'IfNotPresent')
  deployment.setIn([...application, 'args'], ['/app/application.mjs', 'http://127.0.0.1:8080/orders', '--serve'])
}

/** The example's own container, for a pod of its own. */
function sidecar(): object {
  const deployment = parseAllDocuments(readFileSync('manifests/examples/standalone.yaml', 'utf8')).find(
    (document) => document.get('kind') === 'Deployment',
  )
  const { template } = (deployment?.toJS() as { spec: { template: { spec: { initContainers: [object] } } } }).spec
  return {
    ...template.spec.initContainers[0],
    restartPolicy: undefined,
    readinessProbe: undefined,
    startupProbe: undefined,
  }
}

/** The partner of the other end-to-end tests, with the emulator of this namespace as its issuer. */
function partner(): string {
  return readFileSync('test/e2e/manifests/world.yaml', 'utf8')
    .split(/^---$/m)
    .filter((document) => /^ {2}name: partner$/m.test(document))
    .join('---\n')
    .replaceAll(/aws-emulator\.[\w-]+/g, `aws-emulator.${NAMESPACE}`)
}

function secret(name: string, stringData: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name }, stringData }
}

function configMap(name: string, data: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }
}
