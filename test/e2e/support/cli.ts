import { execFile } from 'node:child_process'

export interface CliResult {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

const LIMIT_MS = 90_000

/** Runs the command line against the cluster of KUBECONFIG. */
export function cli(...args: readonly string[]): Promise<CliResult> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['webhook/src/cli/main.ts', ...args],
      { timeout: LIMIT_MS },
      (_, stdout, stderr) => resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}
