import { show } from '@aws-outbound-jwt-injector/proxy/contract'
import { objectAt, textAt } from '../../injection/pod/json.ts'
import { ANNOTATIONS } from '../../injection/annotations/annotations.ts'
import { nearest } from '../../injection/annotations/nearest.ts'
import { PREFIX } from '../../injection/annotations/raw-annotations.ts'
import type { Misplaced, Wording } from '../../injection/workload/misplaced.ts'
import { annotationPlaces, keysOf, misplacedIn, ofKubernetes } from '../../injection/workload/misplaced.ts'
import type { Finding } from './findings.ts'
import type { InjectDeps } from './inject.ts'
import { countAsking, decideAll, findingsOf } from './inject.ts'
import type { Source } from './source.ts'
import type { ManifestObject } from './templates.ts'
import { isBuiltIn, mappingsOf, objectsOf, podPlaces } from './templates.ts'

const INJECT = `${PREFIX}inject`

export interface Linted {
  /** What the webhook would refuse or warn about, and what of ours would have no effect where it stands. */
  readonly findings: readonly Finding[]
  /** For people: a file in which nothing of ours is, or only something misspelt, has no findings either. */
  readonly summary: string
}

export function lint(sources: readonly Source[], deps: InjectDeps): Linted {
  const pods = decideAll(sources, deps)
  const misplaced = sources.flatMap((source) =>
    source.manifests.flatMap((manifest) =>
      objectsOf(manifest.data).flatMap((target) =>
        [...misplacedOf(target), ...misspeltIn(target)].map(({ path, severity, reason, message }): Finding => {
          const line = manifest.lineOf([...target.path, ...path])
          return { file: source.file, line, object: target.label, severity, reason, message }
        }),
      ),
    ),
  )
  const order = sources.map(({ file }) => file)
  const findings = [...misplaced, ...findingsOf(pods)].sort(
    (a, b) => order.indexOf(a.file) - order.indexOf(b.file) || a.line - b.line,
  )
  return { findings, summary: summaryOf(countAsking(pods), findings) }
}

function summaryOf({ asking, others }: ReturnType<typeof countAsking>, findings: readonly Finding[]): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const warnings = findings.length - errors
  const found = [...(errors > 0 ? [amount(errors, 'error')] : []), ...(warnings > 0 ? [amount(warnings, 'warning')] : [])]
  const asks = `${amount(asking, 'pod')} ${asking === 1 ? 'asks' : 'ask'} for tokens`
  const rest = `${others} ${others === 1 ? 'does' : 'do'} not`
  const pods = asking + others === 0 ? 'no pods' : `${asks}, ${rest}`
  return `${pods}; ${found.length > 0 ? found.join(', ') : 'no problems'}`
}

const amount = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

/** An annotation under a prefix that is nearly ours: the webhook is not asked about such a pod, so nobody else tells. */
function misspeltIn(target: ManifestObject): readonly Misplaced[] {
  return mappingsOf(target).flatMap(({ path, mapping }) =>
    Object.keys(objectAt(mapping, 'annotations')).flatMap((key): readonly Misplaced[] => {
      const [prefix = '', name = ''] = key.split('/')
      const isOurs = `${prefix}/` === PREFIX || !Object.hasOwn(ANNOTATIONS, name)
      if (isOurs || nearest(prefix, [PREFIX.slice(0, -1)]) === undefined) return []
      const message = `${key} has no effect; did you mean ${PREFIX}${name}?`
      return [{ path: [...path, 'annotations', key], severity: 'error', reason: 'unknown-prefix', message }]
    }),
  )
}

function misplacedOf(target: ManifestObject): readonly Misplaced[] {
  if (textAt(target.object, 'kind') === 'Namespace') return inNamespace(target)
  const templates = podPlaces(target)
  const right = annotationPlaces(templates)
  const say = isBuiltIn(target) ? ofKubernetes(right) : ofOthers(target.label.split('/', 1).join(''), right)
  return misplacedIn(mappingsOf(target), templates, say)
}

/** A TaskRun's annotations do reach its pod, and a tenant's labels its namespaces: only the kind's own controller knows. */
const ofOthers = (kind: string, right: string): Wording => ({
  annotation: (key, place) => ({
    severity: 'warning',
    reason: 'unknown-kind',
    message: `${key} at ${place}: whether it reaches a pod is up to the controller of ${kind}${right === '' ? '' : `; it does at ${right}`}`,
  }),
  label: (key) => ({
    severity: 'warning',
    reason: 'unknown-kind',
    message: `${key} as a label has an effect on a Namespace alone; for pods it is an annotation${right === '' ? '' : `, write it at ${right}`}`,
  }),
})

function inNamespace(target: ManifestObject): readonly Misplaced[] {
  const metadata = objectAt(target.object, 'metadata')
  const labels = objectAt(metadata, 'labels')
  return [
    ...keysOf(metadata, 'annotations').map((key): Misplaced => ({
      path: ['metadata', 'annotations', key],
      severity: 'error',
      reason: 'wrong-object',
      message: `${key} at metadata.annotations has no effect: a namespace is opted in by the label ${INJECT}=enabled`,
    })),
    ...keysOf(metadata, 'labels')
      .filter((key) => key !== INJECT || !isSwitch(labels[key]))
      .map((key): Misplaced => ({
        path: ['metadata', 'labels', key],
        severity: 'error',
        reason: 'namespace-label',
        message:
          key === INJECT
            ? `label ${key}: got "${show(labels[key]) ?? ''}", expected true or enabled or false or disabled`
            : `label ${key} has no effect: the only one is ${INJECT}`,
      })),
  ]
}

const isSwitch = (value: unknown): boolean => ['true', 'enabled', 'false', 'disabled'].includes(String(value))
