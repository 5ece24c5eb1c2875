import type { Cluster, ExecResult } from '../../../webhook/src/kube/cluster.ts'
import { KubeError } from '../../../webhook/src/kube/failure.ts'

export interface FakeCluster extends Cluster {
  /** What was posted, and run. */
  readonly seen: unknown[]
}

/** What a path answers: an object, a text, or why not. A function is given what was posted. */
export type Answers = Readonly<Record<string, unknown>>

/** A cluster in memory; other paths are not found. */
export function fakeCluster(answers: Answers, result: ExecResult = { status: 0, stdout: '', stderr: '' }): FakeCluster {
  const seen: unknown[] = []
  const answer = (path: string, body?: object): Promise<unknown> => {
    const given = answers[path] ?? new KubeError('not-found', `${path} not found`)
    const value: unknown = typeof given === 'function' ? (given as (body: unknown) => unknown)(body) : given
    return value instanceof Error ? Promise.reject(value) : Promise.resolve(value)
  }
  return {
    namespace: 'default',
    seen,
    get: (path) => answer(path),
    scrape: async (path) => String(await answer(path)),
    post: (path, body) => {
      seen.push(body)
      return answer(path, body)
    },
    exec: (where, command) => {
      seen.push({ ...where, command })
      return Promise.resolve(result)
    },
  }
}
