import { execFile } from 'node:child_process'

/** What an API server says to an object that it does not keep. */
export interface DryRun {
  /** Why it was refused; undefined when it was not. */
  readonly refused: string | undefined
  readonly warnings: readonly string[]
}

const LIMIT_MS = 30_000

/** Creates an object by server-side dry-run, which passes every admission. */
export function dryRun(namespace: string | undefined, object: object): Promise<DryRun> {
  const scope = namespace === undefined ? [] : ['-n', namespace]
  return new Promise((resolve, reject) => {
    const args = ['create', '--dry-run=server', ...scope, '-f', '-']
    const child = execFile('kubectl', args, { timeout: LIMIT_MS }, (error, _stdout, stderr) => {
      const lines = stderr.split('\n')
      const warnings = lines
        .filter((line) => line.startsWith('Warning: '))
        .map((line) => line.slice('Warning: '.length))
      const answer = /Error from server|is invalid|is forbidden/.test(stderr)
      if (error && !answer) reject(new Error(`kubectl ${args.join(' ')}: ${stderr}`, { cause: error }))
      else resolve({ refused: error ? stderr : undefined, warnings })
    })
    child.stdin?.end(JSON.stringify(object))
  })
}
