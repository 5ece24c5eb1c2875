// Writes expected.yaml of every case: `npm run update:pods`. It is the specification: read the difference before you commit it.
import { writeFileSync } from 'node:fs'
import { readCases } from './cases.ts'
import { expectedOf, formatExpected } from './expected.ts'

for (const { pod, decide, expectedFile } of readCases())
  writeFileSync(expectedFile, formatExpected(expectedOf(pod, decide(pod))))
