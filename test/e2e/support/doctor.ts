import { execFile } from 'node:child_process'
import { PROXY_CONTAINER } from '../../../proxy/src/contract.ts'
import type { Report } from '../../../proxy/src/doctor/report.ts'

export interface Examination {
  readonly status: number
  readonly report: Report
  /** As it was printed. */
  readonly text: string
}

const LIMIT_MS = 90_000

/** Runs doctor in the sidecar of a pod, as the docs say. */
export function examine(namespace: string, pod: string): Promise<Examination> {
  const command = ['/nodejs/bin/node', '/app/doctor.mjs', '--json']
  const args = ['exec', '-n', namespace, pod, '-c', PROXY_CONTAINER, '--', ...command]
  return new Promise((resolve, reject) => {
    execFile('kubectl', args, { timeout: LIMIT_MS }, (error, stdout, stderr) => {
      const status = Number(/exit code (\d+)/.exec(stderr)?.[1] ?? (error ? -1 : 0))
      if (stdout === '') reject(new Error(`doctor printed nothing: ${stderr}`, { cause: error }))
      else resolve({ status, report: JSON.parse(stdout) as Report, text: stdout })
    })
  })
}
