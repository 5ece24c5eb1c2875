// What makes pods, with keys of ours where they belong and where they do not.
import type { Random } from '../random.ts'
import { CANARY, createPod } from './pods.ts'

interface Metadata {
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
}
type Make = (template: unknown, ofJob: Metadata) => object

const ofSpec: Make = (template) => ({ spec: { replicas: 1, template } })
const MAKES: Readonly<Record<string, Make>> = {
  Deployment: ofSpec,
  StatefulSet: ofSpec,
  DaemonSet: ofSpec,
  ReplicaSet: ofSpec,
  ReplicationController: ofSpec,
  Job: ofSpec,
  CronJob: (template, metadata) => ({ spec: { jobTemplate: { metadata, spec: { template } } } }),
  PodTemplate: (template) => ({ template }),
  // Not one of Kubernetes, and names of members that every object has.
  Rollout: ofSpec,
  constructor: ofSpec,
  '': ofSpec,
}
const KEYS = [
  ...['inject', 'hosts', 'audience', 'hots', '', 'status', 'injected', '__proto__', '\u2028\u00e9\0'],
  ...['x'.repeat(300), '\u00e9'.repeat(300), 'x'.repeat(200_000)],
].map((name) => `outbound-jwt.io/${name}`)

/** @returns a workload around a pod, as the API server would send it, with secrets in it. */
export function createWorkload(random: Random): object {
  const kind = random.pick(Object.keys(MAKES))
  const made = MAKES[kind]?.(createPod(random), misplaced(random))
  return { apiVersion: 'apps/v1', kind, metadata: { name: 'orders', ...misplaced(random) }, ...made }
}

/** Nobody reads these, so that their values are nobody's business. */
function misplaced(random: Random): Metadata {
  const entries = (most: number): Readonly<Record<string, string>> =>
    Object.fromEntries(Array.from({ length: random.below(most) }, () => [random.pick(KEYS), CANARY]))
  if (random.chance(0.5)) return {}
  return { annotations: { 'example.com/note': CANARY, ...entries(4) }, labels: entries(2) }
}
