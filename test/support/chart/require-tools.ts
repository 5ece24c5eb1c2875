// `npm run test:chart` runs every check of the chart or says what is missing; `npm test` leaves out what cannot run.
import type { Tool } from './tools.ts'
import { TOOLS, isInstalled } from './tools.ts'

const missing = (Object.keys(TOOLS) as Tool[]).filter((tool) => !isInstalled(tool))
for (const tool of missing) process.stderr.write(`${tool} is not on PATH: ${TOOLS[tool].source}\n`)
process.exitCode = missing.length > 0 ? 1 : 0
