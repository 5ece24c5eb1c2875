import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from './run.ts'

const FOLDER = 'test/fixtures/fuzz'

/** Cases that broke an invariant once; `npm test` runs them again. */
export interface Fixture {
  readonly kind: string
  /** What was broken. */
  readonly broke: string
  readonly inputs: readonly unknown[]
}

export function readFixtures(): readonly (Fixture & { readonly file: string })[] {
  if (!existsSync(FOLDER)) return []
  return readdirSync(FOLDER)
    .sort()
    .map((file) => ({ file, ...(JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Fixture) }))
}

/** @returns the path of the new fixture. */
export function writeFixture({ kind, message, inputs }: Finding, seed: number): string {
  mkdirSync(FOLDER, { recursive: true })
  const file = join(FOLDER, `${kind.name}-${seed}.json`)
  const fixture: Fixture = { kind: kind.name, broke: message.split('\n', 1).join(''), inputs }
  writeFileSync(file, `${JSON.stringify(fixture, null, 2)}\n`)
  return file
}
