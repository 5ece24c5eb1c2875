import { show } from '@aws-outbound-jwt-injector/proxy/contract'
import { objectAt, textAt } from '../injection/pod/json.ts'
import type { JsonObject } from '../injection/pod/json.ts'
import { PREFIX } from '../injection/annotations/raw-annotations.ts'
import type { Finding } from './findings.ts'
import type { InjectDeps } from './inject.ts'
import { decideAll, findingsOf } from './inject.ts'
import type { Source } from './source.ts'
import type { ManifestObject, Path } from './templates.ts'
import { follow, objectsOf, templatePath } from './templates.ts'

const INJECT = `${PREFIX}inject`

/** @returns what the webhook would refuse or warn about, and what of ours would have no effect where it stands. */
export function lint(sources: readonly Source[], deps: InjectDeps): readonly Finding[] {
  const misplaced = sources.flatMap((source) =>
    source.manifests.flatMap((manifest) =>
      objectsOf(manifest.data).flatMap((target) =>
        misplacedIn(target).map(({ path, reason, message }): Finding => {
          const line = manifest.lineOf([...target.path, ...path])
          return { file: source.file, line, object: target.label, severity: 'error', reason, message }
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
  readonly reason: 'wrong-object' | 'label' | 'namespace-label'
  readonly message: string
}

function misplacedIn(target: ManifestObject): readonly Misplaced[] {
  if (textAt(target.object, 'kind') === 'Namespace') return inNamespace(target)
  const template = templatePath(target)
  const elsewhere = METADATA.filter((path) => path.join('.') !== [...(template ?? ['no pod']), 'metadata'].join('.'))
  const right =
    template === undefined
      ? 'no pod is made from this object'
      : `write it at ${[...template, 'metadata', 'annotations'].join('.')}`
  return [
    ...elsewhere.flatMap((path) =>
      keysOf(target, path, 'annotations').map((key): Misplaced => ({
        path: [...path, 'annotations', key],
        reason: 'wrong-object',
        message: `${key} at ${[...path, 'annotations'].join('.')} has no effect: ${right}`,
      })),
    ),
    ...METADATA.flatMap((path) =>
      keysOf(target, path, 'labels').map((key): Misplaced => ({
        path: [...path, 'labels', key],
        reason: 'label',
        message: `${key} as a label has no effect: it is an annotation${template === undefined ? '' : `, ${right}`}`,
      })),
    ),
  ]
}

/** Everywhere an author may put metadata of a workload. */
const METADATA: readonly (readonly string[])[] = [
  ['metadata'],
  ['spec', 'template', 'metadata'],
  ['spec', 'jobTemplate', 'metadata'],
  ['spec', 'jobTemplate', 'spec', 'template', 'metadata'],
  ['template', 'metadata'],
]

function inNamespace(target: ManifestObject): readonly Misplaced[] {
  const labels = objectAt(objectAt(target.object, 'metadata'), 'labels')
  return [
    ...keysOf(target, ['metadata'], 'annotations').map((key): Misplaced => ({
      path: ['metadata', 'annotations', key],
      reason: 'wrong-object',
      message: `${key} at metadata.annotations has no effect: a namespace is opted in by the label ${INJECT}=enabled`,
    })),
    ...keysOf(target, ['metadata'], 'labels')
      .filter((key) => key !== INJECT || !isSwitch(labels[key]))
      .map((key): Misplaced => ({
        path: ['metadata', 'labels', key],
        reason: 'namespace-label',
        message:
          key === INJECT
            ? `label ${key}: got "${show(labels[key])}", expected true or enabled or false or disabled`
            : `label ${key} has no effect: the only one is ${INJECT}`,
      })),
  ]
}

const isSwitch = (value: unknown): boolean => ['true', 'enabled', 'false', 'disabled'].includes(String(value))

function keysOf(
  { object }: ManifestObject,
  path: readonly string[],
  kind: 'annotations' | 'labels',
): readonly string[] {
  const map: JsonObject = objectAt(follow(object, path), kind)
  return Object.keys(map).filter((key) => key.startsWith(PREFIX) && key !== `${PREFIX}status`)
}
