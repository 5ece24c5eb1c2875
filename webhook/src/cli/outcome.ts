import type { Document } from '@aws-outbound-jwt-injector/proxy/reference'
import type { Cluster } from '../kube/cluster.ts'

/** What a run leaves behind. */
export interface Outcome {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** What a run has of the world around it. */
export interface World {
  /** Reads a file, `-` being standard input; may throw. */
  readonly read: (file: string) => Uint8Array
  /** Reads a JSON object from the web; never rejects. */
  readonly fetchDocument: (url: string) => Promise<Document>
  /** @param context of the kubeconfig; undefined for its current one. @throws KubeError */
  readonly cluster: (context: string | undefined) => Promise<Cluster>
  readonly nowMs: () => number
  /** Prints while the command goes on. */
  readonly print: (text: string) => void
  /** @returns whether to go on, after so many milliseconds. */
  readonly pause: (ms: number) => Promise<boolean>
}
