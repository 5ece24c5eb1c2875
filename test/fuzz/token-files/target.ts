import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { FuzzKind, FuzzTarget } from '../kind.ts'
import type { Found, Watch } from './reader.ts'
import type { Step } from './script.ts'
import { FILES, createScript, soundToken } from './script.ts'
import { checkSettings, createSettings } from './settings.ts'
import { createTokenFilesWorld } from './world.ts'
import type { TokenFilesWorld, Watched } from './world.ts'

export type TokenFilesCase = { readonly settings: string } | { readonly script: readonly Step[] }

/** The last token outlives everything before it, and what remembers a failure. */
const LAST = { seconds: 7_200, settleMs: 1_000_000 }

export const TOKEN_FILES: FuzzKind<TokenFilesCase> = {
  name: 'token-files',
  subject:
    'TOKEN_FILES of any bytes; and projected tokens of any bytes, replaced and removed, while somebody removes token files or puts directories in their place, and a thread reads them as fast as it can.',
  invariants: [
    'settings are taken or refused, in less than a second of CPU time; a refusal names place, value and allowed form; no two files are one, and none is outside of the directory',
    'what a reader sees is a whole token that its source has held, and nothing else is in the directory; nobody else may change it',
    'a token that is written is for the audience of its file alone, and was not over when its source held it',
    'a file is absent only where somebody removed it, and it is back when that somebody is gone; then it holds the newest token, or one that lives longer',
    'no token is in the log',
  ],
  batch: 100,
  atOnce: 1,
  quick: 100,
  generate: (random) => (random.chance(0.5) ? { settings: createSettings(random) } : { script: createScript(random) }),
  open: openTarget,
}

async function openTarget(): Promise<FuzzTarget<TokenFilesCase>> {
  const absences = new Int32Array(new SharedArrayBuffer(4 * (FILES + 1)))
  const reader = new Worker(new URL('reader.ts', import.meta.url), { workerData: { absences: absences.buffer } })
  const found: Found[] = []
  reader.on('message', (message: Found | string) => typeof message === 'object' && found.push(message))
  /** Resolves when the reader has told of all that it found before. */
  const watch = async (paths: readonly string[]): Promise<void> => {
    reader.postMessage({ paths } satisfies Watch)
    let message: unknown
    while (message !== 'watching') [message] = (await once(reader, 'message')) as [unknown]
  }
  await watch([])
  return {
    attempt: async (input) => {
      if ('settings' in input) return checkSettings(input.settings)
      found.length = 0
      const world = createTokenFilesWorld()
      try {
        absences.fill(1, 0, FILES)
        await watch(world.files.map(({ path }) => path))
        const written = await play(input.script, world, absences)
        await watch([])
        for (const { path, content } of found) checkFound(world, path, content)
        if (world.log().includes('eyJ')) throw new Error('a token was logged')
        return `${written > FILES ? 'tokens' : 'no tokens'} beside the last ones`
      } finally {
        await watch([])
        world.close()
      }
    },
    afterBatch: () => Promise.resolve(),
    close: async () => {
      await reader.terminate()
    },
  }
}

function checkFound({ files }: TokenFilesWorld, path: string, content: string | undefined): void {
  const file = files.find((each) => each.path === path)
  if (content === undefined) throw new Error(`${String(file?.name)} was gone for a moment`)
  if (!file?.projected.has(Buffer.from(content, 'latin1').toString('utf8')))
    throw new Error(`${String(file?.name)} held ${JSON.stringify(content.slice(0, 2_000))}`)
}

/** @returns how often a file was written. */
async function play(script: readonly Step[], world: TokenFilesWorld, absences: Int32Array): Promise<number> {
  const { clock, files } = world
  const contents = files.map((): string | undefined => undefined)
  let written = 0
  const look = (): void => {
    files.forEach((file, index) => {
      const content = contentOf(file.path)
      // Whoever takes it away says so before.
      if (content !== undefined && Atomics.load(absences, index) % 2 === 1) Atomics.add(absences, index, 1)
      if (content === undefined && Atomics.load(absences, index) % 2 === 0) throw new Error(`${file.name} is gone`)
      if (content === undefined || content === contents[index]) return
      checkToken(content, file)
      contents[index] = content
      written++
    })
    const strangers = world.strangers()
    if (strangers.length > 0) throw new Error(`in the directory, or not only for reading: ${strangers.join(', ')}`)
  }
  for (const step of [...script, ...lastSteps()]) {
    if (step.step === 'wait') await clock.advance(step.milliseconds)
    else {
      if (mayTakeAway(step) && Atomics.load(absences, step.file) % 2 === 0) Atomics.add(absences, step.file, 1)
      world.play(step)
    }
    look()
  }
  files.forEach(({ source, name }, index) => {
    const held = contents[index] ?? ''
    if (held !== readFileSync(source, 'utf8') && expiryOf(held) * 1000 < clock.now().wallMs + LAST.seconds * 1000)
      throw new Error(`${name} does not hold the newest token`)
  })
  const left = world.strangers(true)
  if (left.length > 0) throw new Error(`left in the directory: ${left.join(', ')}`)
  if (!world.hasCredentials()) throw new Error('what is next to the token of Google is not whole')
  return written
}

const mayTakeAway = (step: Step): step is Extract<Step, { readonly step: 'remove' | 'obstruct' }> =>
  (step.step === 'remove' || step.step === 'obstruct') && step.what === 'token'

function lastSteps(): readonly Step[] {
  const tokens = Array.from({ length: FILES }, (_, file) => soundToken(file, LAST.seconds))
  const project = tokens.map((token): Step => ({ step: 'project', token }))
  return [{ step: 'clear' }, ...project, { step: 'wait', milliseconds: LAST.settleMs }]
}

function contentOf(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path, 'utf8') : undefined
}

/** @throws when nobody may be given this token. One that was good stays until there is a newer one. */
function checkToken(content: string, { audience, projected }: Watched): void {
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(content)) throw new Error(`written: ${JSON.stringify(content.slice(0, 2_000))}`)
  const { aud } = claimsOf(content)
  const audiences = Array.isArray(aud) ? (aud as readonly unknown[]) : [aud]
  if (audiences.length !== 1 || audiences[0] !== audience)
    throw new Error(`written: a token for ${JSON.stringify(aud)}`)
  if (!(expiryOf(content) * 1000 > (projected.get(content) ?? Infinity)))
    throw new Error(`written: a token that was over at ${expiryOf(content)}`)
}

const expiryOf = (token: string): number => Number(claimsOf(token)['exp'])

const claimsOf = (token: string): Readonly<Record<string, unknown>> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Readonly<Record<string, unknown>>
