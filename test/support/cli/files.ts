import type { Outcome, World } from '../../../webhook/src/cli/outcome.ts'
import { KubeError } from '../../../webhook/src/kube/failure.ts'
import { run } from '../../../webhook/src/cli/run.ts'

/** Nothing is there. */
export const NOWHERE: World = {
  read: (file) => {
    throw Object.assign(new Error(`ENOENT: no such file, open '${file}'`), { code: 'ENOENT' })
  },
  nowMs: () => 0,
  print: () => undefined,
  pause: () => Promise.resolve(false),
  cluster: () => Promise.reject(new KubeError('unavailable', 'no cluster in the kubeconfig')),
  fetchDocument: () => Promise.resolve({ ok: false, problem: 'ENOTFOUND' }),
}

/** Runs a command that works offline, on files in memory; anything else cannot be read. */
export function runWith(files: Readonly<Record<string, string | Uint8Array>>, ...args: readonly string[]): Outcome {
  const read = (file: string): Uint8Array => {
    const text = files[file]
    return text === undefined ? NOWHERE.read(file) : Buffer.from(text)
  }
  const outcome = run(args, { ...NOWHERE, read })
  if (outcome instanceof Promise) throw new Error(`${args.join(' ')} does not work offline`)
  return outcome
}

/** A Deployment as authors write it. */
export const DEPLOYMENT = `# orders
apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
spec:
  template:
    metadata:
      annotations:
        # who gets the token
        outbound-jwt.io/inject: 'true'
        outbound-jwt.io/hosts: api.partner.example
    spec:
      containers:
        - name: orders # the application
          image: registry.example/orders:1
`
