import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { dryRun } from '../support/dry-run.ts'
import type { Variable } from '../support/guard.ts'
import { LOOPBACK, ROLE, pod, podSpec, sidecar } from '../support/guard.ts'
import { SYSTEM } from '../support/names.ts'

/** The one namespace with the guard and without the webhook: the injector's own. */
const NAMESPACE = SYSTEM
const STATUS = { status: '{"version":"0.1.0","inputs":"0123456789abcdef","warnings":[]}' }
const ASKED = { inject: 'true' }
/** The API server compiles a new policy within a second or so. */
const ACTIVE_LIMIT_MS = 30_000

const address = (value: string): Variable => ({ name: 'LISTEN_ADDR', value })
const from = (name: string): Variable => ({ name, valueFrom: { secretKeyRef: { name: 'aws', key: 'id' } } })

const ACCEPTED: readonly (readonly [what: string, object])[] = [
  ['a pod that asks for nothing', pod({}, podSpec())],
  ['a pod that opted out', pod({ inject: 'false' }, podSpec())],
  ['a pod that opted out of what was injected before', pod({ inject: 'disabled', ...STATUS }, podSpec())],
  ['a pod with a role through IRSA', pod({ ...ASKED, ...STATUS }, podSpec([sidecar()]))],
  [
    'a pod with a role through Pod Identity',
    pod(ASKED, podSpec([sidecar([LOOPBACK, { ...ROLE, name: 'AWS_CONTAINER_CREDENTIALS_FULL_URI' }])])),
  ],
  ['a pod with keys from a Secret', pod(ASKED, podSpec([sidecar([LOOPBACK, from('AWS_ACCESS_KEY_ID')])]))],
  ['a sidecar on the IPv6 loopback', pod(ASKED, podSpec([sidecar([address('[::1]:15400'), ROLE])]))],
  ['a pod injected for its namespace', pod(STATUS, podSpec([sidecar()]))],
  ['other init containers around it', pod(ASKED, podSpec([sidecar([LOOPBACK, ROLE], { name: 'first' }), sidecar()]))],
  [
    'a static pod of the kubelet',
    pod({ ...ASKED, 'kubernetes.io/config.mirror': 'x' }, { ...podSpec(), nodeName: 'node1' }),
  ],
]

const NOT_INJECTED = 'has no container aws-outbound-jwt-proxy'
const NOT_LOOPBACK = 'LISTEN_ADDR of container aws-outbound-jwt-proxy must be 127.0.0.1'
const NO_ROLE = `service account ${NAMESPACE}/default has no role`

const REFUSED: readonly (readonly [what: string, object, message: string])[] = [
  ['a pod that asked and was not injected', pod(ASKED, podSpec()), NOT_INJECTED],
  ['the other spelling of it', pod({ inject: 'enabled' }, podSpec()), NOT_INJECTED],
  ['a status without a sidecar', pod(STATUS, podSpec()), NOT_INJECTED],
  [
    'a sidecar that is an ordinary container',
    pod(ASKED, podSpec([], [sidecar(undefined, { restartPolicy: undefined })])),
    NOT_INJECTED,
  ],
  [
    'a sidecar without restartPolicy',
    pod(ASKED, podSpec([sidecar(undefined, { restartPolicy: undefined })])),
    'has lost restartPolicy: Always',
  ],
  ['a proxy on every address', pod(ASKED, podSpec([sidecar([address('0.0.0.0:15400'), ROLE])])), NOT_LOOPBACK],
  ['a proxy on every IPv6 address', pod(ASKED, podSpec([sidecar([address('[::]:15400'), ROLE])])), NOT_LOOPBACK],
  ['a proxy on a name', pod(ASKED, podSpec([sidecar([address('localhost:15400'), ROLE])])), NOT_LOOPBACK],
  [
    'a proxy on something after the port',
    pod(ASKED, podSpec([sidecar([address('127.0.0.1:1\n0.0.0.0:2'), ROLE])])),
    NOT_LOOPBACK,
  ],
  [
    'a proxy on the second of two addresses',
    pod(ASKED, podSpec([sidecar([LOOPBACK, address('0.0.0.0:1'), ROLE])])),
    NOT_LOOPBACK,
  ],
  ['a proxy on an address from elsewhere', pod(ASKED, podSpec([sidecar([from('LISTEN_ADDR'), ROLE])])), NOT_LOOPBACK],
  ['a proxy without an address', pod(ASKED, podSpec([sidecar([ROLE])])), NOT_LOOPBACK],
  ['a status that hides another address', pod(STATUS, podSpec([sidecar([address('0.0.0.0:1'), ROLE])])), NOT_LOOPBACK],
  ['a pod without a role', pod(ASKED, podSpec([sidecar([LOOPBACK])])), NO_ROLE],
  [
    'a pod with an empty role',
    pod(ASKED, podSpec([sidecar([LOOPBACK, { name: 'AWS_ROLE_ARN', value: '' }])])),
    NO_ROLE,
  ],
  ['a sidecar without variables', pod(ASKED, podSpec([sidecar([])])), NOT_LOOPBACK],
]

describe('the guard of pods', function () {
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    const refuses = async (): Promise<boolean> => (await dryRun(NAMESPACE, pod(ASKED, podSpec()))).refused !== undefined
    await eventually('the policy is in force', refuses, ACTIVE_LIMIT_MS)
  })

  for (const [what, object] of ACCEPTED)
    it(`accepts ${what}`, async () => expect((await dryRun(NAMESPACE, object)).refused).to.equal(undefined))

  for (const [what, object, message] of REFUSED)
    it(`refuses ${what}`, async () => expect((await dryRun(NAMESPACE, object)).refused).to.include(message))
})
