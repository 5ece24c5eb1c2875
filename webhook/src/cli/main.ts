#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { run } from './run.ts'

const { status, stdout, stderr } = run(process.argv.slice(2), {
  read: (file) => readFileSync(file === '-' ? 0 : file),
})
process.exitCode = status
process.stderr.write(stderr)
process.stdout.write(stdout)
