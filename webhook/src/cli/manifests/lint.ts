import { show } from '@aws-outbound-jwt-injector/proxy/contract'
import { objectAt, textAt } from '../../injection/pod/json.ts'
import type { JsonObject } from '../../injection/pod/json.ts'
import { PREFIX } from '../../injection/annotations/raw-annotations.ts'
import { INJECTED_LABEL } from '../../injection/status.ts'
import type { Finding } from './findings.ts'
import type { InjectDeps } from './inject.ts'
import { decideAll, findingsOf } from './inject.ts'
import type { Source } from './source.ts'
import type { ManifestObject, Path } from './templates.ts'
import { formatPath, isBuiltIn, mappingsOf, objectsOf, podPlaces } from './templates.ts'

const INJECT = `${PREFIX}inject`

/** @returns what the webhook would refuse or warn about, and what of ours would have no effect where it stands. */
export function lint(sources: readonly Source[], deps: InjectDeps): readonly Finding[] {
  const misplaced = sources.flatMap((source) =>
    source.manifests.flatMap((manifest) =>
      objectsOf(manifest.data).flatMap((target) =>
        misplacedIn(target).map(({ path, severity, reason, message }): Finding => {
          const line = manifest.lineOf([...target.path, ...path])
          return { file: source.file, line, object: target.label, severity, reason, message }
        }),
      ),
    ),
  )
  const order = sources.map(({ file }) => file)
  return [...misplaced, ...findingsOf(decideAll(sources, deps))].sort(
    (a, b) => order.indexOf(a.file) - order.indexOf(b.file) || a.line - b.line,
  )
}

interface Misplaced {
  /** From the object. */
  readonly path: Path
  readonly severity: Finding['severity']
  readonly reason: 'wrong-object' | 'unknown-kind' | 'label' | 'namespace-label'
  readonly message: string
}

function misplacedIn(target: ManifestObject): readonly Misplaced[] {
  if (textAt(target.object, 'kind') === 'Namespace') return inNamespace(target)
  const places = podPlaces(target)
  const metadata = new Set(places.map((place) => formatPath([...place, 'metadata'])))
  const right = places.map((place) => formatPath([...place, 'metadata', 'annotations'])).join(' or ')
  const say = isBuiltIn(target) ? ofKubernetes(right) : ofOthers(textAt(target.object, 'kind') ?? 'object', right)
  return mappingsOf(target).flatMap(({ path, mapping }) => [
    ...(metadata.has(formatPath(path)) ? [] : keysOf(mapping, 'annotations')).map((key) => ({
      path: [...path, 'annotations', key],
      ...say.annotation(key, formatPath([...path, 'annotations'])),
    })),
    ...keysOf(mapping, 'labels')
      // Offline injection writes it on the pods.
      .filter((key) => key !== INJECTED_LABEL || !metadata.has(formatPath(path)))
      .map((key) => ({ path: [...path, 'labels', key], ...say.label(key) })),
  ])
}

interface Wording {
  readonly annotation: (key: string, place: string) => Omit<Misplaced, 'path'>
  readonly label: (key: string) => Omit<Misplaced, 'path'>
}

/** @param right where annotations of the pods belong, empty without pods. */
const ofKubernetes = (right: string): Wording => ({
  annotation: (key, place) => ({
    severity: 'error',
    reason: 'wrong-object',
    message: `${key} at ${place} has no effect: ${right === '' ? 'no pod is made from this object' : `write it at ${right}`}`,
  }),
  label: (key) => ({
    severity: 'error',
    reason: 'label',
    message: `${key} as a label has no effect: it is an annotation${right === '' ? '' : `, write it at ${right}`}`,
  }),
})

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

const keysOf = (mapping: JsonObject, kind: 'annotations' | 'labels'): readonly string[] =>
  Object.keys(objectAt(mapping, kind)).filter((key) => key.startsWith(PREFIX) && key !== `${PREFIX}status`)
