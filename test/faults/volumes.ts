// The volumes of a sidecar are lost, corrupted, or changed by somebody else.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import type { Stack } from '../support/stack/stack.ts'
import { until } from '../support/until.ts'
import type { FaultRow } from './row.ts'
import { REQUESTS, inWords, routeOf, secureLoad, withInterception, withStack } from './scenario.ts'
import type { Volumes } from './scenario.ts'

const STORED = 'authority.pem'
/** How often the token file is removed. */
const REMOVALS = 3
/** How often it is read in between. */
const READS = 1_000
/** Seconds; the shortest life there is. */
const SHORT_SECONDS = 60
const WHOLE_TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** What becomes of the stored authority. */
const CORRUPTIONS: Readonly<Record<string, (content: string) => string>> = {
  'cut in the middle': (content) => content.slice(0, content.length / 2),
  empty: () => '',
  'zero bytes': (content) => '\0'.repeat(content.length),
  'without its key': (content) => content.replace(/-----BEGIN PRIVATE KEY-----[^]*/, ''),
}

const corrupted: readonly FaultRow[] = Object.entries(CORRUPTIONS).map(([what, corrupt]) => ({
  id: `authority-${what.replaceAll(' ', '-')}`,
  fault: `The stored authority of a running sidecar becomes ${what}; then the sidecar is killed and started again.`,
  invariant:
    'Until then no request notices; then there is another anchor and a warning, who trusts the old one is refused and counted, and who reads the new one succeeds.',
  run: () =>
    withInterception({}, async (stack, volumes) => {
      const file = join(volumes.authority, STORED)
      const counted = await anchorLost(stack, volumes, () =>
        writeFileSync(file, corrupt(readFileSync(file, 'utf8')), { mode: 0o600 }),
      )
      await stack.proxy().logged('another certificate authority')
      return counted
    }),
}))

export const ROWS: readonly FaultRow[] = [
  {
    id: 'authority-lost',
    fault: 'The authority and trust volumes of a running sidecar are emptied; then it is killed and started again.',
    invariant:
      'Until then no request notices; then there is another anchor, who trusts the old one is refused and counted, and who reads the new one succeeds.',
    run: () =>
      withInterception({}, (stack, volumes) =>
        anchorLost(stack, volumes, () => [volumes.authority, volumes.trust].forEach(empty)),
      ),
  },
  ...corrupted,
  {
    id: 'trust-lost',
    fault: 'The trust volume of a running sidecar is emptied; then it is killed and started again.',
    invariant: 'No request notices, before or after: the anchor stays the same.',
    run: () =>
      withInterception({}, async (stack, { anchor, trust }) => {
        const old = anchor()
        empty(trust)
        const before = await secureLoad(stack, old)
        await killed(stack)
        expect(anchor()).to.equal(old)
        const after = await secureLoad(stack, old)
        expect([before, after]).to.deep.equal([{ 200: REQUESTS }, { 200: REQUESTS }])
        return `${inWords(before)}; afterwards ${inWords(after)}`
      }),
  },
  {
    id: 'token-file-removed',
    fault: `A token file is removed ${REMOVALS} times under a program that reads it all the time; its tokens live ${SHORT_SECONDS} s.`,
    invariant: 'Every read finds no file or a whole token; the file is back each time, and a newer token comes.',
    run: async (): Promise<string> => {
      const directory = mkdtempSync(join(tmpdir(), 'faults-tokens-'))
      const file = join(directory, 'tokens', 'azure')
      mkdirSync(join(directory, 'tokens'))
      const token = { name: 'azure', audience: ['api://AzureADTokenExchange'], durationSeconds: SHORT_SECONDS }
      const environment = { TOKEN_FILES: JSON.stringify([token]), TOKENS_DIR: join(directory, 'tokens') }
      try {
        return await withStack({ environment }, () => removeUnderReader(file))
      } finally {
        rmSync(directory, { recursive: true })
      }
    },
  },
]

/** @param lose what happens to the volumes of the running sidecar. */
async function anchorLost(stack: Stack, { anchor }: Volumes, lose: () => void): Promise<string> {
  const old = anchor()
  const known = await secureLoad(stack, old)
  lose()
  const before = await secureLoad(stack, old)
  await killed(stack)
  expect(anchor()).not.to.equal(old)
  const refused = await secureLoad(stack, old).then(
    () => expect.fail('a client that trusts the old anchor got through'),
    (error: unknown) => (error as NodeJS.ErrnoException).code,
  )
  // Node verifies after the handshake, and leaves.
  const series = `outbound_jwt_intercept_refused_total{route="${routeOf(stack)}",reason="closed"}`
  await until('it is counted', async () => (await stack.metric(series).catch(() => 0)) === 1)
  const after = await secureLoad(stack, anchor())
  expect([known, before, after]).to.deep.equal(Array.from({ length: 3 }, () => ({ 200: REQUESTS })))
  return `${inWords(before)}; the old anchor: ${refused ?? 'refused'}; afterwards ${inWords(after)}`
}

/** As a kubelet does it, with nothing of the old process in any output that should not be there. */
async function killed(stack: Stack): Promise<void> {
  const before = stack.proxy()
  before.signal('SIGKILL')
  await before.exited
  expect(before.output()).not.to.match(/eyJ[\w-]+\.|PRIVATE KEY/)
  await stack.restart()
}

function empty(directory: string): void {
  for (const name of readdirSync(directory)) rmSync(join(directory, name))
}

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined

async function removeUnderReader(file: string): Promise<string> {
  await until('there is a token', () => exists(file))
  const tokens = new Set<string>()
  const torn: string[] = []
  let reads = 0
  const end = new AbortController()
  const read = async (): Promise<void> => {
    while (!end.signal.aborted) {
      await turn()
      const content = readOrNothing(file)
      if (content === undefined) continue
      reads++
      if (WHOLE_TOKEN.test(content)) tokens.add(content)
      else torn.push(content)
    }
  }
  const reading = read()
  for (let count = 0; count < REMOVALS; count++) {
    rmSync(file)
    await until('the file is back', () => exists(file), 20_000, 100)
    const before = reads
    await until('it is read', () => reads >= before + READS)
  }
  const known = tokens.size
  await until('a newer token takes the place of one that is read', () => tokens.size > known, SHORT_SECONDS * 1000, 200)
  end.abort()
  await reading
  expect(torn, 'reads of half a token').to.deep.equal([])
  return `${REMOVALS} times back; ${reads} reads of ${tokens.size} tokens, 0 of half a one`
}

/** @returns undefined where there is no file. */
function readOrNothing(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
