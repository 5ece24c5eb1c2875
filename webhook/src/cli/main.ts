#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { fetchDocument } from '@aws-outbound-jwt-injector/proxy/reference'
import { run } from './run.ts'

/** Longer than any issuer that works takes. */
const FETCH_MS = 10_000

const { status, stdout, stderr } = await run(process.argv.slice(2), {
  read: (file) => readFileSync(file === '-' ? 0 : file),
  // The client of Kubernetes is not parsed by what works offline.
  cluster: async (context) => (await import('../kube/cluster.ts')).openCluster(context),
  fetchDocument: (url) => fetchDocument(url, AbortSignal.timeout(FETCH_MS)),
  nowMs: () => Date.now(),
  print: (text) => process.stdout.write(text),
  pause: (ms) => setTimeout(ms, true),
})
process.exitCode = status
process.stderr.write(stderr)
process.stdout.write(stdout)
