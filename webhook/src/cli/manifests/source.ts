import type { Manifest } from './manifests.ts'

/** A file of manifests. */
export interface Source {
  /** As the caller named it. */
  readonly file: string
  readonly text: string
  readonly manifests: readonly Manifest[]
}
