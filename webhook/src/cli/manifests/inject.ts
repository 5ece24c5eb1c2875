import { describeProblem } from '@aws-outbound-jwt-injector/proxy/contract'
import type { Decision, Injector } from '../../injection/decide.ts'
import type { Finding } from './findings.ts'
import type { Manifest } from './manifests.ts'
import { namespaceModes, namespaceOf } from './namespaces.ts'
import type { Source } from './source.ts'
import type { Path } from '../../injection/workload/path.ts'
import { follow } from '../../injection/workload/path.ts'
import type { ManifestObject } from './templates.ts'
import { objectsOf, templatePaths } from './templates.ts'

export interface InjectDeps {
  readonly inject: Injector
  /** Whether labels of namespaces count. */
  readonly namespaceOptIn: boolean
}

/** A pod of an object, and what the webhook would decide on it. */
interface DecidedPod {
  readonly source: Source
  readonly manifest: Manifest
  readonly target: ManifestObject
  /** From the root of the document. */
  readonly path: Path
  readonly decision: Decision
}

/** Decides on every pod in the files as the webhook would. */
export function decideAll(sources: readonly Source[], { inject, namespaceOptIn }: InjectDeps): readonly DecidedPod[] {
  const modeOf = namespaceModes(
    sources.flatMap(({ manifests }) => manifests),
    namespaceOptIn,
  )
  return sources.flatMap((source) =>
    source.manifests.flatMap((manifest) =>
      objectsOf(manifest.data).flatMap((target) =>
        templatePaths(target).map((template): DecidedPod => {
          const pod = follow(target.object, template)
          const namespace = namespaceOf(target)
          const decision = inject({ pod, mode: modeOf(target), operation: 'CREATE', namespace })
          return { source, manifest, target, path: [...target.path, ...template], decision }
        }),
      ),
    ),
  )
}

/** Applies the patches to the manifests. */
export function applyAll(pods: readonly DecidedPod[]): void {
  for (const { manifest, path, decision } of pods)
    if (decision.kind === 'inject' || decision.kind === 'repair') manifest.apply(path, decision.patch)
}

/** @returns why pods would be refused, and what the webhook would warn about, by line within each pod. */
export function findingsOf(pods: readonly DecidedPod[]): readonly Finding[] {
  return pods.flatMap(({ source: { file }, manifest, target, path, decision }) => {
    const object = target.label
    const { reason } = decision
    if (decision.kind !== 'deny') {
      const line = manifest.lineOf(path)
      return decision.warnings.map((message): Finding => ({ file, line, object, severity: 'warning', reason, message }))
    }
    return decision.problems
      .map((problem): Finding => {
        const line = manifest.lineOf([...path, ...placeOf(problem.where)])
        return { file, line, object, severity: 'error', reason, message: describeProblem(problem) }
      })
      .sort((a, b) => a.line - b.line)
  })
}

/** @returns how many pods ask for a token, themselves or by their namespace, and how many do not. */
export function countAsking(pods: readonly DecidedPod[]): { readonly asking: number; readonly others: number } {
  const others = pods.filter(({ decision: { reason } }) => reason === 'not-requested' || reason === 'opted-out').length
  return { asking: pods.length - others, others }
}

/** @returns where in the pod a problem is: its annotation, its labels, or its spec. */
function placeOf(where: string): Path {
  if (where.startsWith('metadata.labels')) return ['metadata', 'labels']
  const [annotation] = /^outbound-jwt\.io\/[\w-]+/.exec(where) ?? []
  return annotation === undefined ? ['spec'] : ['metadata', 'annotations', annotation]
}
