import type { Outcome } from '../../../webhook/src/cli/outcome.ts'
import { run } from '../../../webhook/src/cli/run.ts'

/** Runs the command line on files in memory; anything else cannot be read. */
export function runWith(files: Readonly<Record<string, string | Uint8Array>>, ...args: readonly string[]): Outcome {
  return run(args, {
    read: (file) => {
      const text = files[file]
      if (text === undefined) throw new Error(`ENOENT: no such file, open '${file}'`)
      return typeof text === 'string' ? Buffer.from(text) : text
    },
  })
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
