import { expect } from 'chai'
import { describe, it } from 'mocha'
import { describeProblem, parseRoutes } from '../../../proxy/src/contract.ts'
import { readConfig } from '../../../proxy/src/config.ts'
import type { Decision } from '../../../webhook/src/injection/decide.ts'
import { createInjector } from '../../../webhook/src/injection/decide.ts'
import { SETTINGS, readCases } from '../../support/injection/cases.ts'
import { eksIrsa, eksPodIdentity } from '../../support/injection/mutations/eks.ts'
import type { Json } from '../../support/injection/object.ts'
import { at, list, nameOf } from '../../support/injection/object.ts'
import { collect } from '../../support/injection/problems.ts'
import { applyPatch } from '../../support/json-patch.ts'
import type { EnvVar } from '../../support/kubelet.ts'
import { containerEnvironment } from '../../support/kubelet.ts'

const decide = (pod: unknown, mode: 'pod' | 'namespace' = 'pod', operation = 'CREATE'): Decision =>
  createInjector(SETTINGS)({ pod, mode, operation })

const annotated = (annotations: Json, spec: Json = {}): Json => ({
  metadata: {
    annotations: Object.fromEntries(Object.entries(annotations).map(([k, v]) => [`outbound-jwt.io/${k}`, v])),
  },
  spec: { containers: [{ name: 'orders', image: 'x' }], ...spec },
})
const asked = { inject: 'true', hosts: 'api.partner.example' }
const complaints = (decision: Decision): readonly string[] =>
  decision.kind === 'deny' ? decision.problems.map(describeProblem) : [`${decision.kind}: ${decision.reason}`]

describe('a decision', () => {
  it('is made for anything that claims to be a pod', () => {
    for (const pod of [
      undefined,
      null,
      5,
      'pod',
      [],
      {},
      { metadata: [] },
      { metadata: { annotations: 'x' }, spec: 7 },
    ])
      expect(decide(pod)).to.deep.equal({ kind: 'allow', reason: 'not-requested', warnings: [] })
  })

  it('for a namespace that asked, names what is wrong with the shape as a warning', () => {
    expect(decide(null, 'namespace')).to.deep.equal({
      kind: 'allow',
      reason: 'invalid-pod',
      warnings: ['not injected: A field that injection touches does not have the type the Pod API gives it.'],
    })
  })

  it('is a refusal when an application mounts a volume that only the sidecar should have', () => {
    const mount = { name: 'aws-outbound-jwt-token', mountPath: '/token' }
    const pod = annotated(
      { ...asked, 'role-arn': 'arn:aws:iam::123456789012:role/orders', region: 'eu-central-1' },
      { containers: [{ name: 'orders', image: 'x', volumeMounts: [mount] }] },
    )
    expect(decide(pod)).to.include({ kind: 'deny', reason: 'name-conflict' })
    expect(complaints(decide(pod))).to.deep.equal([
      'spec.containers[orders].volumeMounts[aws-outbound-jwt-token]: got "aws-outbound-jwt-token", expected a volume of the pod; this one is reserved for the sidecar',
    ])
  })

  it('never changes the pod it is given', () => {
    for (const { pod, decide: decideCase } of readCases()) {
      const before = JSON.stringify(pod)
      decideCase(pod)
      expect(JSON.stringify(pod)).to.equal(before)
    }
  })

  it('takes only own members of a pod for its fields', () => {
    const inherited = Object.create({ hostNetwork: true }) as Json
    const pod = annotated(asked)
    pod['spec'] = Object.assign(inherited, pod['spec'])
    expect(decide(pod).kind).to.equal('inject')
  })

  it('checks the shape of everything a patch would touch', () => {
    const shapes: readonly (readonly [Json, string])[] = [
      [{ spec: [] }, 'spec: got "a list of 0", expected an object'],
      [annotated(asked, { containers: [] }), 'spec.containers: got "a list of 0", expected a list of containers'],
      [
        annotated(asked, { containers: [null] }),
        'spec.containers[0].name: is missing, expected the name of the container',
      ],
      [
        annotated(asked, { initContainers: [['x']] }),
        'spec.initContainers: got "a list with a list with string", expected a list of objects',
      ],
      [annotated(asked, { volumes: [null] }), 'spec.volumes: got "a list with null", expected a list of objects'],
      [
        annotated(asked, { containers: [{ name: 'a', env: [5] }] }),
        'spec.containers[0].env: got "a list with number", expected a list of objects',
      ],
    ]
    for (const [pod, complaint] of shapes)
      expect(complaints(decide({ ...annotated(asked), ...pod }))).to.include(complaint)
  })

  it('survives an affinity, ports and resources of any shape', () => {
    const nodeAffinity = {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: 5 }, { operator: 'In' }, 'x'] },
        ],
      },
    }
    const container = {
      name: 'a',
      ports: [{ containerPort: '15400' }, { containerPort: null }],
      resources: { limits: 'x' },
      env: [{}],
    }
    expect(decide(annotated(asked, { affinity: { nodeAffinity }, containers: [container] })).kind).to.equal('inject')
  })

  it('never quotes a password of the pod', () => {
    const env = [
      { name: 'HTTP_PROXY', value: 'http://user:p@hunter2@proxy:3128' },
      { name: 'JAVA_TOOL_OPTIONS', value: '-Dhttp.proxyPassword=hunter2' },
    ]
    const runtimes = { runtimes: 'java' }
    const wrong = { name: 'b', env: { PASSWORD: 'hunter2' } }
    for (const pod of [
      annotated({ ...asked, ...runtimes }, { containers: [{ name: 'a', env }] }),
      annotated({ ...asked, ...runtimes, 'env-policy': 'keep' }, { containers: [{ name: 'a', env }, { name: 'c' }] }),
      annotated({ ...asked, ...runtimes }, { containers: [wrong] }),
    ]) {
      const decision = decide(pod)
      const said = decision.kind === 'deny' ? decision.problems : decision.warnings
      expect(said).not.to.be.empty
      expect(JSON.stringify(said)).not.to.contain('hunter2')
    }
  })

  it('costs in proportion to the pod', () => {
    const reads = (count: number): number => {
      let total = 0
      const counted = (value: unknown): unknown =>
        typeof value === 'object' && value !== null
          ? new Proxy(value, {
              get: (target, key) => {
                total += 1
                return counted(Reflect.get(target, key))
              },
            })
          : value
      const env = [{ name: 'A', value: 'b' }]
      const containers = Array.from({ length: count }, (_, index) => ({
        name: `c${index}`,
        env,
        ports: [{ containerPort: index + 1 }],
      }))
      expect(decide(counted(annotated(asked, { containers }))).kind).to.equal('inject')
      return total
    }
    expect(reads(200)).to.be.within(1000, 2.2 * reads(100))
  })

  it('limits what a hostile pod can make it say', () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`x${index}`, 'y'.repeat(100)]))
    const decision = decide(annotated({ ...asked, ...many }))
    expect(complaints(decision)).to.have.lengthOf(40)
    expect(complaints(decision).join('\n').length).to.be.lessThan(20_000)
  })
})

describe('a sidecar with a role of its own', () => {
  const own = { 'role-arn': 'arn:aws:iam::123456789012:role/orders', region: 'eu-central-1' }

  it("is left alone by EKS's hook, and mounts nothing where that one does", () => {
    const pod = annotated({ ...asked, ...own })
    const decision = decide(pod)
    if (decision.kind !== 'inject') expect.fail(JSON.stringify(decision))
    const injected = applyPatch(pod, decision.patch)
    const [before] = list(at(injected, 'spec', 'initContainers'))
    const [after] = list(at(eksIrsa(injected), 'spec', 'initContainers'))
    expect(after).to.deep.equal(before)
    expect(JSON.stringify(before)).not.to.contain('eks.amazonaws.com')
  })
})

describe('a pod that only its namespace opted in', () => {
  const inject = createInjector({ ...SETTINGS, waitsForRole: true, defaults: { hosts: 'api.partner.example' } })
  const decideFor = (pod: unknown): Decision => inject({ pod, mode: 'namespace', operation: 'CREATE' })
  const pod: Json = { metadata: { name: 'orders' }, spec: { containers: [{ name: 'orders', image: 'x' }] } }

  for (const [name, eks] of Object.entries({ eksIrsa, eksPodIdentity }))
    it(`waits for its role, and is injected with it when the API server asks again: ${name}`, () => {
      expect(decideFor(pod)).to.deep.equal({ kind: 'allow', reason: 'no-role', warnings: [] })
      const withRole = eks(pod)
      const decision = decideFor(withRole)
      if (decision.kind !== 'inject') expect.fail(JSON.stringify(decision))
      const injected = applyPatch(withRole, decision.patch)
      const [sidecar] = list(at(injected, 'spec', 'initContainers'))
      const [application] = list(at(withRole, 'spec', 'containers'))
      expect(sidecar?.['env']).to.deep.include.members(list(application?.['env']))
      expect(sidecar?.['volumeMounts']).to.deep.equal(application?.['volumeMounts'])
      expect(eks(injected)).to.deep.equal(injected)
      expect(decideFor(injected)).to.deep.equal({ kind: 'allow', reason: 'unchanged', warnings: [] })
    })
})

describe('the sidecar of every case', () => {
  const sidecars = readCases().flatMap(({ name, pod, decide: decideCase }) => {
    const decision = decideCase(pod)
    if (decision.kind !== 'inject') return []
    const inits = list(at(applyPatch(pod, decision.patch), 'spec', 'initContainers'))
    return [{ name, sidecar: inits.find((container) => nameOf(container) === 'aws-outbound-jwt-proxy') ?? {} }]
  })

  it('starts: the proxy takes its environment as the kubelet gives it', () => {
    expect(sidecars.length).to.be.at.least(40)
    for (const { name, sidecar } of sidecars) {
      const fields = { 'metadata.name': 'orders-1', 'metadata.namespace': 'shop' }
      const config = readConfig(containerEnvironment(sidecar['env'] as EnvVar[], fields))
      expect([...config.routes, ...config.tokenFiles], name).not.to.be.empty
      expect(config.listenAddr.host, name).to.equal('127.0.0.1')
    }
  })

  it('reads the audience as its author wrote it, dollars and all', () => {
    const dollar = sidecars.find(({ name }) => name === 'dollar-in-audience')
    const env = containerEnvironment(dollar?.sidecar['env'] as EnvVar[], {
      'metadata.name': 'a',
      'metadata.namespace': 'b',
    })
    const { value } = collect((report) => parseRoutes(env['ROUTES'] ?? '', 'ROUTES', report))
    expect(value[0]?.audience).to.deep.equal(['price-in-$', '$(AWS_ROLE_ARN)', '$$'])
  })

  it('names no variable twice', () => {
    for (const { name, sidecar } of sidecars) {
      const names = list(sidecar['env']).map(nameOf)
      expect(new Set(names).size, name).to.equal(names.length)
    }
  })
})
