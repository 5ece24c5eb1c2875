// `helm test`: a pod that asks for a token, created by server-side dry-run, must come back with the sidecar. Nothing is created.
/* global fetch, AbortSignal */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'
const SIDECAR = 'aws-outbound-jwt-proxy'
const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port, NAMESPACE: namespace, IMAGE: image } = process.env
const address = host.includes(':') ? `[${host}]` : host
const url = `https://${address}:${port}/api/v1/namespaces/${namespace}/pods?dryRun=All`
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    generateName: 'outbound-jwt-test-',
    annotations: {
      'outbound-jwt.io/inject': 'true',
      'outbound-jwt.io/hosts': 'api.partner.example',
      'outbound-jwt.io/role-arn': 'arn:aws:iam::123456789012:role/helm-test',
      'outbound-jwt.io/region': 'us-east-1',
    },
  },
  spec: {
    containers: [
      {
        name: 'application',
        image,
        securityContext: {
          allowPrivilegeEscalation: false,
          runAsNonRoot: true,
          capabilities: { drop: ['ALL'] },
          seccompProfile: { type: 'RuntimeDefault' },
        },
      },
    ],
  },
}

const deadline = Date.now() + 60_000
for (;;) {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${readFileSync(`${ACCOUNT}/token`, 'utf8')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(pod),
    signal: AbortSignal.timeout(20_000),
  })
  const answer = await response.json()
  const names = (answer.spec?.initContainers ?? []).map(({ name }) => name)
  if (response.ok && names.includes(SIDECAR)) {
    console.log(`ok: a pod in namespace ${namespace} gets ${SIDECAR}`)
    break
  }
  // 500 is what the API server says while no webhook answers it.
  if (response.status < 500 || Date.now() > deadline) {
    const problem = response.ok
      ? `the pod was admitted without ${SIDECAR}: is namespace ${namespace} served (webhook.namespaceSelector)?`
      : answer.message
    console.error(`failed: ${response.status}: ${problem}`)
    process.exitCode = 1
    break
  }
  await delay(2_000)
}
