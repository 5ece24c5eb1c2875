import { createInjector } from '../../../webhook/src/injection/decide.ts'
import type { Decision } from '../../../webhook/src/injection/decide.ts'
import { SETTINGS } from '../../support/injection/cases.ts'
import { withoutOurs } from '../../support/injection/fragments.ts'
import type { Json } from '../../support/injection/object.ts'
import { restrictedViolations } from '../../support/injection/pod-security.ts'
import { podErrors } from '../../support/injection/pod-validation.ts'
import { applyPatch } from '../../support/json-patch.ts'
import type { FuzzKind, FuzzTarget } from '../kind.ts'
import type { Random } from '../random.ts'
import { createAnnotations } from './corpus.ts'
import { UnreadError, readPartners } from './oracle.ts'
import { checkProblems } from './refusal.ts'
import { checkPartners, sidecarConfig } from './sidecar.ts'

export interface AnnotationsCase {
  readonly mode: 'pod' | 'namespace'
  readonly annotations: Readonly<Record<string, string>>
  /** What the pod has beside them, by name. */
  readonly pod: keyof typeof PODS
}

const PODS = {
  plain: {
    containers: [
      { name: 'orders', image: 'orders:1' },
      { name: 'metrics', image: 'metrics:1' },
    ],
  },
  proxied: {
    initContainers: [{ name: 'migrate', image: 'orders:1', env: [{ name: 'NO_PROXY', value: '.example' }] }],
    containers: [
      {
        name: 'orders',
        image: 'orders:1',
        env: [
          { name: 'HTTP_PROXY', value: 'http://p:1' },
          { name: 'A', value: 'b' },
        ],
      },
    ],
    volumes: [{ name: 'data', emptyDir: {} }],
  },
  guaranteed: {
    containers: [
      {
        name: 'orders',
        image: 'o:1',
        resources: { limits: { cpu: '1', memory: '1Gi' } },
        ports: [{ containerPort: 16400 }],
      },
    ],
  },
} as const

const inject = createInjector({ ...SETTINGS, defaults: { hosts: 'default.partner.example' } })
/** CPU time; a decision takes less than a millisecond. */
const SLOW_MS = 1_000

export const ANNOTATIONS: FuzzKind<AnnotationsCase> = {
  name: 'annotations',
  subject:
    'Every annotation, valid and garbled, `routes` in each style of YAML, decided by the injector; what it writes is read by the proxy’s own settings.',
  invariants: [
    'a decision is made, in less than a second of CPU time, the same bytes every time (P8)',
    'a refusal names place, value and allowed form on one line of ASCII, and only annotations the pod has (P7)',
    'an injection leaves the rest as it is (P1), is idempotent (P2), keeps Pod Security (P4) and validity (P6)',
    'the sidecar starts with what was written, and gives tokens to exactly the hosts, and for exactly the audiences, that WHATWG URLs and a second YAML parser read from the annotations',
  ],
  batch: 500,
  atOnce: 1,
  quick: 500,
  generate: createCase,
  open: (): Promise<FuzzTarget<AnnotationsCase>> =>
    Promise.resolve({
      attempt: (input) => new Promise((resolve) => resolve(attempt(input))),
      afterBatch: () => Promise.resolve(),
      close: () => Promise.resolve(),
    }),
}

function createCase(random: Random): AnnotationsCase {
  return {
    mode: random.chance(0.8) ? 'pod' : 'namespace',
    annotations: createAnnotations(random),
    pod: random.pick(['plain', 'plain', 'proxied', 'guaranteed']),
  }
}

function attempt({ mode, annotations, pod: name }: AnnotationsCase): string {
  const pod: Json = { metadata: { name: 'orders', annotations }, spec: PODS[name] }
  const decide = (submitted: unknown): Decision => inject({ pod: submitted, mode, operation: 'CREATE' })
  const before = process.cpuUsage()
  const decision = decide(pod)
  const { user, system } = process.cpuUsage(before)
  if ((user + system) / 1000 > SLOW_MS) throw new Error(`the decision took ${(user + system) / 1000} ms`)
  if (JSON.stringify(decide(structuredClone(pod))) !== JSON.stringify(decision)) throw new Error('decides differently')
  if (decision.kind === 'deny') checkProblems(decision.problems, annotations)
  if (decision.kind === 'inject') return checkInjection(pod, applyPatch(pod, decision.patch), decide)
  return `${decision.kind} ${decision.reason}`
}

function checkInjection(pod: Json, injected: Json, decide: (pod: unknown) => Decision): string {
  if (withoutOurs(injected, pod, injected) !== withoutOurs(pod, pod, injected))
    throw new Error('something else of the pod changed')
  const again = decide(injected)
  if (again.kind !== 'allow' || again.reason !== 'unchanged') throw new Error(`injected again: ${again.reason}`)
  for (const check of [restrictedViolations, podErrors])
    if (check(injected).join() !== check(pod).join())
      throw new Error(`${check(pod).join()} became ${check(injected).join()}`)
  const { annotations } = pod['metadata'] as { annotations: Record<string, string> }
  const named = ['hosts', 'audience', 'routes'].some((name) => Object.hasOwn(annotations, `outbound-jwt.io/${name}`))
  const config = sidecarConfig(injected)
  try {
    checkPartners(config, readPartners(named ? annotations : { 'outbound-jwt.io/hosts': 'default.partner.example' }))
    return 'inject injected'
  } catch (error) {
    if (error instanceof UnreadError) return 'inject injected, unread by the other parser'
    throw error
  }
}
