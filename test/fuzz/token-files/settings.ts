import type { Problem, TokenFile } from '../../../proxy/src/contract.ts'
import { describeProblem, formatTokenFiles, parseTokenFiles } from '../../../proxy/src/contract.ts'
import { applyMutations, createMutations } from '../bytes.ts'
import type { Random } from '../random.ts'

const UUID = '11111111-2222-3333-4444-555555555555'
const PROVIDER = '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/aws'
const NAMES = ['azure', 'a', 'A.b-c_1', 'a.json', 'google', 'google.json', '0', 'x'.repeat(63)]
const SDKS: readonly object[] = [
  { azure: { clientId: UUID, tenantId: 'contoso.example' } },
  { google: { audience: PROVIDER } },
  { google: { audience: PROVIDER, serviceAccount: 'orders@p.iam.gserviceaccount.com', lifetimeSeconds: 1_200 } },
  { anthropic: { federationRuleId: 'fdrl_1', organizationId: UUID, serviceAccountId: 'svac_1' } },
  { databricks: { host: 'workspace.example', clientId: UUID, accountId: UUID } },
]
const FIELDS: Readonly<Record<string, readonly unknown[]>> = {
  audience: [['urn:a'], ['https://x.example', 'urn:b'], ['urn:a'], [], 'urn:a', [''], [1], ['\0']],
  durationSeconds: [600, 900, 3600, 60, 0, -1, 1e300, '900', null],
  signingAlgorithm: ['RS256', 'ES384', 'none', 5],
  tags: [{ team: 'orders' }, {}, { a: 1 }, { __proto__: 'x' }],
  source: ['aws', 'kubernetes', 'vault'],
  subjectTokenFile: ['/var/run/secrets/t', 'relative', '', '/a\0b'],
  sdk: [...SDKS, {}, { azure: {} }, { gcp: {} }, { azure: {}, google: {} }, 'azure'],
  exchange: [{ type: 'vault', address: 'https://v.example', role: 'r' }, { preset: 'tailscale', clientId: 'T' }, {}],
  name: ['../x', '.x', 'a/b', '', 'a b', 'x'.repeat(64), '..', 'a\0', 'é', 7, null],
  mode: ['0777'],
}
const RIGHT = ['audience', 'audience', 'sdk', 'durationSeconds', 'tags', 'signingAlgorithm']
const WORDS: readonly string[] = [
  ...['"', '\\', '\\u0000', '\\ud800', '{', '}', '[', ']', ':', ',', 'null', 'true', '1e999', '\0', '\xff', '/', '..'],
  ...['"name":"../x",', '"name":"a",', '"__proto__":{},', '"constructor":1,', '['.repeat(5_000), 'x'.repeat(5_000)],
]

/** @returns the value of TOKEN_FILES: mostly allowed, each now and then garbled. */
export function createSettings(random: Random): string {
  const names = new Set(
    Array.from({ length: random.chance(0.02) ? 40 : 1 + random.below(4) }, () => random.pick(NAMES)),
  )
  const text = JSON.stringify([...names].map((name) => createFile(name, random)))
  if (random.chance(0.7)) return text
  if (random.chance(0.03)) return text.repeat(1 + random.below(2_000)).slice(0, 200_000)
  return applyMutations(text, createMutations(random, 3, WORDS))
}

function createFile(name: string, random: Random): object {
  const fields = Array.from({ length: 1 + random.below(3) }, () =>
    random.pick(random.chance(0.95) ? RIGHT : Object.keys(FIELDS)),
  )
  const values = fields.map((field) => {
    const choices = FIELDS[field] ?? []
    return [field, random.chance(0.9) ? choices[random.below(Math.min(3, choices.length))] : random.pick(choices)]
  })
  return { name, audience: ['urn:a'], ...(Object.fromEntries(values) as object) }
}

/** CPU time. */
const SLOW_MS = 1_000
const LINE = /^[\x20-\x7e]+: (?:is missing|got "[\x20-\x7e]*"), expected [\x20-\x7e]+$/
/** A file of its own, in the directory, and not where a file is that becomes one. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

/** Checks what TOKEN_FILES is read as. @returns how it ended. @throws when that never may be. */
export function checkSettings(text: string): string {
  const problems: Problem[] = []
  const before = process.cpuUsage()
  const files = parseTokenFiles(text, 'TOKEN_FILES', (problem) => problems.push(problem))
  const { user, system } = process.cpuUsage(before)
  if ((user + system) / 1000 > SLOW_MS) throw new Error(`took ${(user + system) / 1000} ms`)
  for (const problem of problems) {
    const line = describeProblem(problem)
    if (!LINE.test(line) || !problem.where.startsWith('TOKEN_FILES')) throw new Error(`says too little: ${line}`)
  }
  if (problems.length > 0) {
    // Some are found when all others hold, and then the value is whole; the process ends either way.
    return 'settings refused'
  }
  checkFiles(files, JSON.parse(text) as readonly Written[])
  return 'settings taken'
}

interface Written {
  readonly name: string
  readonly sdk?: { readonly google?: unknown }
}

function checkFiles(files: readonly TokenFile[], written: readonly Written[]): void {
  const paths = written.flatMap(({ name, sdk }) => [name, ...(sdk?.google === undefined ? [] : [`${name}.json`])])
  if (new Set(paths).size !== paths.length) throw new Error(`two files at one place: ${paths.join()}`)
  if (files.map(({ name }) => name).join('/') !== written.map(({ name }) => name).join('/'))
    throw new Error(`other files than were written: ${files.map(({ name }) => name).join('/')}`)
  const stranger = files.find(({ name, audience }) => !NAME.test(name) || audience.length === 0)
  if (stranger) throw new Error(`taken: ${JSON.stringify(stranger)}`)
  // What the webhook writes is what the proxy reads.
  const again = formatTokenFiles(files)
  const problems: Problem[] = []
  const read = parseTokenFiles(again, 'TOKEN_FILES', (problem) => problems.push(problem))
  if (problems.length > 0 || formatTokenFiles(read) !== again) throw new Error(`written as ${again}`)
}
