import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kubectl } from './kubectl.ts'

export interface CliResult {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export type Cli = (...args: readonly string[]) => Promise<CliResult>

const LIMIT_MS = 90_000

/** Runs the command line against the cluster of KUBECONFIG. */
export const cli: Cli = (...args) => run(args, process.env)

/** @returns the command line in the hands of a service account. */
export async function cliOf(namespace: string, serviceAccount: string): Promise<Cli> {
  const [text, token] = await Promise.all([
    kubectl('config', 'view', '--raw', '--minify', '--flatten', '-o', 'json'),
    kubectl('create', 'token', serviceAccount, '-n', namespace),
  ])
  const { clusters } = JSON.parse(text) as { clusters: { name: string }[] }
  const name = clusters[0]?.name
  const file = join(mkdtempSync(join(tmpdir(), 'outbound-jwt-kubeconfig-')), 'config')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters,
    users: [{ name: serviceAccount, user: { token: token.trim() } }],
    contexts: [{ name: serviceAccount, context: { cluster: name, user: serviceAccount } }],
    'current-context': serviceAccount,
  }
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
  return (...args) => run(args, { ...process.env, KUBECONFIG: file })
}

function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<CliResult> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['webhook/src/cli/main.ts', ...args],
      { timeout: LIMIT_MS, env },
      (_, stdout, stderr) => resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}
