import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { dryRun } from '../support/dry-run.ts'
import type { Variable } from '../support/guard.ts'
import { LOOPBACK, RESTRICTED, ROLE, ROUTES, pod, podSpec, sidecar } from '../support/guard.ts'
import { kubectl } from '../support/kubectl.ts'
import { PRODUCT, SYSTEM } from '../support/names.ts'

/** The one namespace with the guard and without the webhook: the injector's own. */
const NAMESPACE = SYSTEM
/** Pod Security has nothing against hostNetwork here; the webhook does not look at pods without annotations. */
const UNRESTRICTED = 'default'
const STATUS = { status: '{"version":"0.1.0","inputs":"0123456789abcdef","warnings":[]}' }
const ASKED = { inject: 'true' }
/** The API server compiles a new policy within a second or so. */
const ACTIVE_LIMIT_MS = 30_000

/** A pod as a hook or a hand may leave it: our sidecar, and no annotation. */
const BARE = {}
const TOKEN = { name: 'aws-outbound-jwt-token', emptyDir: {} }
const SHARED = { name: 'aws-outbound-jwt-tokens', emptyDir: {} }

const variable = (name: string): Variable => ({ name, value: 'x' })
const address = (value: string): Variable => ({ name: 'LISTEN_ADDR', value })
const from = (name: string): Variable => ({ name, valueFrom: { secretKeyRef: { name: 'aws', key: 'id' } } })

/** A pod with our sidecar and one more container that mounts a volume. */
function mounting(mount: object, as: 'containers' | 'initContainers' = 'containers'): object {
  const container = {
    name: 'other',
    image: 'registry.example/other:1',
    volumeMounts: [{ mountPath: '/stolen', ...mount }],
    securityContext: RESTRICTED,
  }
  const spec = as === 'containers' ? podSpec([sidecar()], [container]) : podSpec([sidecar(), container])
  return pod(STATUS, { ...spec, volumes: [TOKEN, SHARED] })
}

const ACCEPTED: readonly (readonly [what: string, object])[] = [
  ['a pod that asks for nothing', pod({}, podSpec())],
  ['a pod that opted out', pod({ inject: 'false' }, podSpec())],
  ['a pod that opted out of what was injected before', pod({ inject: 'disabled', ...STATUS }, podSpec())],
  [
    'a pod without a role none of whose tokens comes from AWS',
    pod(ASKED, podSpec([sidecar([LOOPBACK, { name: 'CREDENTIALS', value: 'none' }])])),
  ],
  ['a pod with a role through IRSA', pod({ ...ASKED, ...STATUS }, podSpec([sidecar()]))],
  [
    'a pod with a role through Pod Identity',
    pod(ASKED, podSpec([sidecar([LOOPBACK, { ...ROLE, name: 'AWS_CONTAINER_CREDENTIALS_FULL_URI' }])])),
  ],
  ['a pod with keys from a Secret', pod(ASKED, podSpec([sidecar([LOOPBACK, from('AWS_ACCESS_KEY_ID')])]))],
  ['a sidecar on the IPv6 loopback', pod(ASKED, podSpec([sidecar([address('[::1]:15400'), ROLE])]))],
  ['a sidecar that writes token files alone', pod(ASKED, podSpec([sidecar([variable('TOKEN_FILES'), ROLE])]))],
  ['a pod injected for its namespace', pod(STATUS, podSpec([sidecar()]))],
  ['other init containers around it', pod(ASKED, podSpec([sidecar([LOOPBACK, ROLE], { name: 'first' }), sidecar()]))],
  [
    'what EKS and other injectors add to every container',
    pod(
      ASKED,
      podSpec([
        sidecar([
          LOOPBACK,
          ROLE,
          ...['AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_STS_REGIONAL_ENDPOINTS'].map(
            variable,
          ),
          ...['AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'].map(variable),
          ...['KUBERNETES_SERVICE_HOST', 'OTEL_SERVICE_NAME', 'DD_AGENT_HOST', 'AZURE_CLIENT_ID'].map(variable),
        ]),
      ]),
    ),
  ],
  [
    'a variable of sidecar.extraEnv',
    pod(ASKED, podSpec([sidecar([LOOPBACK, ROLE, variable('AWS_ENDPOINT_URL_STS')])])),
  ],
  ['an injected pod whose annotations are gone', pod(BARE, podSpec([sidecar([LOOPBACK, ROLE, ROUTES])]))],
  [
    'a sidecar of our name that was written by hand',
    pod(BARE, {
      ...podSpec([sidecar([address('0.0.0.0:8080'), variable('UPSTREAM_HOST')], { args: ['--log-level=debug'] })]),
    }),
  ],
  ['an application that mounts what is shared', mounting({ name: SHARED.name, readOnly: true })],
  [
    'a static pod of the kubelet',
    pod({ ...ASKED, 'kubernetes.io/config.mirror': 'x' }, { ...podSpec(), nodeName: 'node1' }),
  ],
]

const NOT_INJECTED = 'has no container aws-outbound-jwt-proxy'
const NOT_LOOPBACK = 'LISTEN_ADDR of container aws-outbound-jwt-proxy must be 127.0.0.1'
const NO_ROLE = `no AWS role for service account ${NAMESPACE}/default reached container aws-outbound-jwt-proxy`
const OTHER_PROGRAM = 'aws-outbound-jwt-proxy has command or args'
const NOT_OURS = 'aws-outbound-jwt-proxy has variables that injection does not set'
const INTRUDER = 'container other mounts a volume of container aws-outbound-jwt-proxy'

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
  [
    'a proxy without an address that writes files, too',
    pod(ASKED, podSpec([sidecar([variable('ROUTES'), variable('TOKEN_FILES'), ROLE])])),
    NOT_LOOPBACK,
  ],
  [
    'a writer of token files on every address',
    pod(ASKED, podSpec([sidecar([address('0.0.0.0:15400'), variable('TOKEN_FILES'), ROLE])])),
    NOT_LOOPBACK,
  ],
  ['a status that hides another address', pod(STATUS, podSpec([sidecar([address('0.0.0.0:1'), ROLE])])), NOT_LOOPBACK],
  [
    'a pod without a role whose tokens come from AWS',
    pod(ASKED, podSpec([sidecar([LOOPBACK, { name: 'CREDENTIALS', value: 'aws' }])])),
    NO_ROLE,
  ],
  ['a pod without a role', pod(ASKED, podSpec([sidecar([LOOPBACK])])), NO_ROLE],
  [
    'a pod with an empty role',
    pod(ASKED, podSpec([sidecar([LOOPBACK, { name: 'AWS_ROLE_ARN', value: '' }])])),
    NO_ROLE,
  ],
  ['a sidecar without variables', pod(ASKED, podSpec([sidecar([])])), NOT_LOOPBACK],
  [
    'a sidecar with another command',
    pod(STATUS, podSpec([sidecar(undefined, { command: ['/bin/sh'] })])),
    OTHER_PROGRAM,
  ],
  ['a sidecar with arguments', pod(STATUS, podSpec([sidecar(undefined, { args: ['--inspect'] })])), OTHER_PROGRAM],
  ...['NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS', 'HTTP_PROXY', 'AWS_CA_BUNDLE', 'LD_PRELOAD', 'CONTROL_LISTEN_ADDR'].map(
    (name) =>
      [
        `a sidecar with ${name}`,
        pod(STATUS, podSpec([sidecar([LOOPBACK, ROLE, variable(name)])])),
        `${NOT_OURS} (${name})`,
      ] as const,
  ),
  [
    'a sidecar with every variable of a ConfigMap',
    pod(STATUS, podSpec([sidecar(undefined, { envFrom: [{ configMapRef: { name: 'any' } }] })])),
    'aws-outbound-jwt-proxy has envFrom',
  ],
  [
    'more variables than a message can hold',
    pod(
      STATUS,
      podSpec([
        sidecar([LOOPBACK, ROLE, ...Array.from({ length: 500 }, (_, index) => variable(`OF_ANOTHER_HOOK_${index}`))]),
      ]),
    ),
    'variables that neither injection nor the chart sets',
  ],
  ['an application that mounts the token', mounting({ name: TOKEN.name }), INTRUDER],
  [
    'an init container that mounts the token',
    mounting({ name: TOKEN.name, readOnly: true }, 'initContainers'),
    INTRUDER,
  ],
  ['an application that may write what is shared', mounting({ name: SHARED.name }), INTRUDER],
  [
    'another command without annotations',
    pod(BARE, podSpec([sidecar([LOOPBACK, ROLE, ROUTES], { command: ['/bin/sh'] })])),
    OTHER_PROGRAM,
  ],
  [
    'other variables without annotations',
    pod(BARE, podSpec([sidecar([LOOPBACK, ROLE, ROUTES, variable('NODE_OPTIONS')])])),
    NOT_OURS,
  ],
  [
    'a sidecar that opted out on every address',
    pod({ inject: 'false' }, podSpec([sidecar([address('0.0.0.0:1'), ROLE, ROUTES])])),
    NOT_LOOPBACK,
  ],
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

  it('refuses hostNetwork of a pod with a sidecar, and of no other', async () => {
    const onNode = (spec: object): object => pod(BARE, { ...spec, hostNetwork: true })
    const { refused } = await dryRun(UNRESTRICTED, onNode(podSpec([sidecar([LOOPBACK, ROLE, ROUTES])])))
    expect(refused).to.include('aws-outbound-jwt-proxy in a pod with hostNetwork')
    expect((await dryRun(UNRESTRICTED, onNode(podSpec()))).refused).to.equal(undefined)
  })

  it('asks for the registration when a pod was not injected', async () => {
    const { refused } = await dryRun(NAMESPACE, pod(ASKED, podSpec()))
    expect(refused).to.include(`Does MutatingWebhookConfiguration ${PRODUCT} exist?`)
  })

  it('names the label of the namespace, and the way out, where the label alone asked', async () => {
    const LABEL = `because namespace ${NAMESPACE} is labelled outbound-jwt.io/inject`
    const withoutRole = podSpec([sidecar([LOOPBACK])])
    expect((await dryRun(NAMESPACE, pod(STATUS, withoutRole))).refused).to.include(LABEL)
    expect((await dryRun(NAMESPACE, pod({ ...ASKED, ...STATUS }, withoutRole))).refused).not.to.include(LABEL)
  })

  it('can be evaluated within the API server’s budget for the largest pods', async () => {
    const env = Array.from({ length: 40 }, (_, index) => ({ name: `VARIABLE_${index}`, value: 'x' }))
    const volumeMounts = Array.from({ length: 40 }, (_, index) => ({ name: 'data', mountPath: `/data/${index}` }))
    const many = Array.from({ length: 200 }, (_, index) => ({
      name: `container-${index}`,
      image: 'registry.example/other:1',
      env,
      volumeMounts,
      securityContext: RESTRICTED,
    }))
    const harmless = Array.from({ length: 400 }, (_, index) => variable(`OTEL_${index}`))
    const spec = {
      ...podSpec([sidecar([LOOPBACK, ROLE, ...harmless])], many),
      volumes: [{ name: 'data', emptyDir: {} }],
    }
    expect((await dryRun(NAMESPACE, pod(STATUS, spec))).refused).to.equal(undefined)
  })

  it('has expressions that the API server finds nothing wrong with', async () => {
    const status = 'jsonpath={.items[*].status.typeChecking.expressionWarnings}'
    const policies = ['get', 'validatingadmissionpolicies', '-l', `app.kubernetes.io/name=${PRODUCT}`, '-o']
    expect(await kubectl(...policies, status)).to.equal('')
  })
})
