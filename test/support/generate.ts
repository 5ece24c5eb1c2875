// Writes every generated document: `npm run generate`. test/generated.test.ts fails when one on disk differs.
import { writeFileSync } from 'node:fs'
import { documents } from './generate/documents.ts'

for (const { path, content } of await documents()) {
  writeFileSync(path, content)
  process.stdout.write(`${path}\n`)
}
