// Installs the product and the world around it once for all end-to-end tests, and removes both afterwards. Loaded by mocha before the tests.
import { readFileSync } from 'node:fs'
import { VENDOR_HOSTS } from '../../partner-emulators/server.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import type { TestAuthority } from '../../support/certificates.ts'
import { installChart, removeChart } from './chart.ts'
import { apply, createNamespace, deleteNamespaces, kubectl, rolledOut } from './kubectl.ts'
import { PARTNER_SERVICE, ROLE_ARN, SYSTEM, WORLD } from './names.ts'

/** The second is what the stand-in for EKS's hook gives. */
const ROLE_ARNS = [ROLE_ARN, 'arn:aws:iam::123456789012:role/service-account']

export async function mochaGlobalSetup(): Promise<void> {
  if (process.env['KUBECONFIG'] === undefined) return
  await mochaGlobalTeardown()
  await Promise.all([createNamespace(SYSTEM), createNamespace(WORLD)])
  const authority = await createTestAuthority('e2e authority')
  await Promise.all([
    tlsSecret(authority, 'partner-tls', ['*.partner.example', PARTNER_SERVICE]),
    tlsSecret(authority, 'clouds-tls', VENDOR_HOSTS),
    tlsSecret(authority, 'injectors-tls', [`injectors.${WORLD}.svc`]),
    apply(WORLD, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'authority' },
      data: { 'ca.crt': authority.ca },
    }),
  ])
  const emulator = readFileSync('test/aws-emulator/manifest.yaml', 'utf8').replace(ROLE_ARN, ROLE_ARNS.join(','))
  await Promise.all([
    apply(WORLD, emulator),
    apply(WORLD, readFileSync('test/e2e/manifests/world.yaml', 'utf8')),
    installChart(),
  ])
  await Promise.all(['partner', 'clouds', 'injectors', 'aws-emulator'].map((name) => rolledOut(WORLD, name)))
}

/** Also before: a run that was cut short leaves its namespaces. */
export async function mochaGlobalTeardown(): Promise<void> {
  if (process.env['KUBECONFIG'] === undefined) return
  await removeChart()
  await kubectl('delete', 'mutatingwebhookconfigurations', '-l', 'e2e=injectors', '--ignore-not-found')
  await deleteNamespaces(SYSTEM, WORLD)
}

async function tlsSecret(authority: TestAuthority, name: string, hosts: readonly string[]): Promise<void> {
  const { cert, key } = await authority.issue(hosts)
  await apply(WORLD, {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name },
    stringData: { 'tls.crt': cert, 'tls.key': key },
  })
}
