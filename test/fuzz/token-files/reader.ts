// The application: a thread that reads token files as fast as it can, and tells of everything new that it finds in one.
import { readFileSync } from 'node:fs'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'

/** Files to read from now on; none when a script is over. */
export interface Watch {
  readonly paths: readonly string[]
}

/** What a reader found. Absence is told where nobody says that it may be. */
export interface Found {
  readonly path: string
  /** As latin1: whatever is in there. */
  readonly content: string | undefined
}

/** By file: odd while it may be absent. */
const absences = new Int32Array((workerData as { readonly absences: SharedArrayBuffer }).absences)
const PAUSE_MS = 5

if (parentPort === null) throw new Error('this file is a thread of the fuzzer')
const port = parentPort
let paths: readonly string[] = []
let seen = new Map<string, Set<string>>()
for (;;) {
  const { message } = (receiveMessageOnPort(port) ?? {}) as { readonly message?: Watch }
  if (message) {
    paths = message.paths
    seen = new Map(paths.map((path) => [path, new Set<string>()]))
    port.postMessage('watching')
  }
  if (paths.length === 0) Atomics.wait(absences, absences.length - 1, 0, PAUSE_MS)
  paths.forEach(read)
}

function read(path: string, index: number): void {
  const before = Atomics.load(absences, index)
  const content = contentOf(path)
  if (content === undefined && (before % 2 === 1 || Atomics.load(absences, index) !== before)) return
  const known = seen.get(path)
  const key = content ?? '\0absent'
  if (!known || known.has(key)) return
  known.add(key)
  port.postMessage({ path, content } satisfies Found)
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}
