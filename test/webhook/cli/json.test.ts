import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { World } from '../../../webhook/src/cli/outcome.ts'
import { run } from '../../../webhook/src/cli/run.ts'
import { KubeError } from '../../../webhook/src/kube/failure.ts'
import { fakeCluster } from '../../support/cli/cluster.ts'
import { DEPLOYMENT, NOWHERE } from '../../support/cli/files.ts'

/** What a terminal obeys or does not show, a quotation mark, and letters of which UTF-16 has two units. */
const FORGED = '\u001b[2J\u007f\u009b31m\u202e"é\u{1f600}'
const ISSUER = 'https://issuer.example'
/** In double quotes, as YAML has it. */
const QUOTED = JSON.stringify(FORGED)
  .replace('\u007f', String.raw`\u007f`)
  .replace('\u009b', String.raw`\u009b`)
const MANIFEST = DEPLOYMENT.replace('registry.example/orders:1', QUOTED)
const MISPLACED = MANIFEST.replace('  name: orders\n', '  name: orders\n  annotations: {outbound-jwt.io/hosts: a}\n')
const world: World = {
  ...NOWHERE,
  read: (file) => Buffer.from(file === FORGED ? MISPLACED : MANIFEST),
  cluster: () =>
    Promise.resolve(
      fakeCluster({
        '/version': { gitVersion: `v1.33.0${FORGED}` },
        '/apis/admissionregistration.k8s.io/v1': new KubeError('unavailable', FORGED),
        '/api/v1/namespaces/default/pods?labelSelector=outbound-jwt.io%2Finjected%3Dtrue&limit=100': {
          items: [
            {
              metadata: {
                name: FORGED,
                annotations: { 'outbound-jwt.io/status': JSON.stringify({ version: FORGED }) },
              },
              spec: { initContainers: [{ name: 'aws-outbound-jwt-proxy' }] },
            },
          ],
        },
      }),
    ),
  fetchDocument: () => Promise.resolve({ ok: true, json: { issuer: FORGED, scopes_supported: [FORGED] } }),
}

describe('output for other tools', () => {
  for (const args of [
    ['status', '-o', 'json'],
    ['check', '--pre', '-o', 'json'],
    ['discovery', ISSUER, '-o', 'json'],
    ['discovery', ISSUER, '--complete'],
    ['lint', '-f', FORGED, '-o', 'json'],
    ['inject', '-f', 'a', '-o', 'json'],
  ])
    it(`is JSON in printable ASCII that says the same: ${args.join(' ').replace(FORGED, 'FILE')}`, async () => {
      const { stdout } = await run(args, world)
      expect(stdout).to.match(/^[\x20-\x7e\n]*$/)
      expect(stdout).to.contain('\\u009b')
      expect(JSON.stringify(JSON.parse(stdout)), stdout).to.contain(JSON.stringify(FORGED).slice(1, -1))
    })
})
