import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { TokenFile } from '../../../proxy/src/contract.ts'
import { parseTokenFiles } from '../../../proxy/src/contract.ts'
import { METRICS } from '../../../proxy/src/metrics.ts'
import { createMetrics, diskFiles } from '../../../proxy/src/runtime/index.ts'
import { createTokenEngine } from '../../../proxy/src/tokens/engine.ts'
import { createTokenFiles } from '../../../proxy/src/tokens/files.ts'
import { SOURCE_LIMITS } from '../../../proxy/src/tokens/policy.ts'
import { createKubernetesSource } from '../../../proxy/src/tokens/sources/kubernetes.ts'
import type { TokenSource } from '../../../proxy/src/tokens/token.ts'
import { createFakeClock } from '../../support/tokens/clock.ts'
import type { FakeClock } from '../../support/tokens/clock.ts'
import { captureLog } from '../../support/tokens/log.ts'
import { unobserved } from '../../support/tokens/observer.ts'
import { FILES, bytesOf } from './script.ts'
import type { Projected, Step } from './script.ts'

/** Google's libraries look for a file next to this token. */
const GOOGLE = { audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/aws' }

/** One file as a test sees it. */
export interface Watched {
  readonly name: string
  readonly audience: string
  readonly source: string
  readonly path: string
  /** Everything its source has ever held, as the sidecar may write it, and since when. */
  readonly projected: Map<string, number>
}

/** What keeps the files of a pod, composed as in the shipped proxy, on a disk at which somebody is at work. */
export interface TokenFilesWorld {
  readonly clock: FakeClock
  readonly files: readonly Watched[]
  /** Carries out a step, up to what comes of it at once. */
  play(step: Exclude<Step, { readonly step: 'wait' }>): void
  /**
   * What is in the directory that should not be, and files that others may change.
   * @param strictly also what stayed of a file that could not be put in its place.
   */
  strangers(strictly?: boolean): readonly string[]
  /** Whether what is written next to Google's token is whole. */
  hasCredentials(): boolean
  log(): string
  close(): void
}

export function createTokenFilesWorld(): TokenFilesWorld {
  const root = mkdtempSync(join(tmpdir(), 'outbound-jwt-fuzz-'))
  const [directory, sources] = [join(root, 'tokens'), join(root, 'sources')]
  mkdirSync(directory)
  mkdirSync(sources)
  const clock = createFakeClock()
  const { log, text } = captureLog()
  const settings = Array.from({ length: FILES }, (_, index) => ({
    name: `file-${index}`,
    source: 'kubernetes',
    subjectTokenFile: join(sources, `${index}`),
    ...(index === 0 ? { sdk: { google: GOOGLE } } : { audience: [`urn:${index}`] }),
  }))
  const parsed = parseTokenFiles(JSON.stringify(settings), 'TOKEN_FILES', (problem) => {
    throw new Error(JSON.stringify(problem))
  })
  const engine = createTokenEngine({
    sources: {
      // In one turn: the clock of the test waits for no disk.
      kubernetes: createKubernetesSource({
        readFile: (path) => new Promise((resolve) => resolve(readFileSync(path, 'utf8'))),
        clock,
      }),
      aws: unused,
      exchange: unused,
    },
    clock,
    random: () => 0.5,
    log,
    observer: unobserved,
    refreshSkewSeconds: undefined,
    onNoCredentials: () => undefined,
  })
  const made = createTokenFiles({
    files: parsed,
    directory: { where: 'TOKENS_DIR', path: directory },
    tokens: engine,
    disk: diskFiles,
    clock,
    random: () => 0.5,
    log,
    instruments: createMetrics(METRICS).instruments,
  })
  made.begin()
  const files = parsed.map((file) => watched(file, directory))
  const credentials = join(directory, `${settings[0]?.name}.json`)
  const obstructions = new Set<string>()
  let tokens = 0

  return {
    clock,
    files,
    play,
    strangers: (strictly = false) => {
      const own = [...files.map(({ name }) => name), basename(credentials)]
      const expected = new Set(strictly ? own : [...own, ...own.map((name) => `.${name}.new`)])
      const names = readdirSync(directory).filter((name) => !obstructions.has(join(directory, name)))
      return names.filter((name) => !expected.has(name) || (statSync(join(directory, name)).mode & 0o777) !== 0o444)
    },
    hasCredentials: () => isCredentials(readFileSync(credentials, 'utf8'), files[0]?.path ?? ''),
    log: text,
    close: () => {
      made.close()
      engine.close()
      rmSync(root, { recursive: true })
    },
  }

  function play(step: Exclude<Step, { readonly step: 'wait' }>): void {
    switch (step.step) {
      case 'project':
        project(step.token)
        return
      case 'remove':
        if (step.what === 'credentials') rmSync(credentials, { force: true })
        else removeFile(at(step.file)[step.what === 'source' ? 'source' : 'path'])
        return
      case 'obstruct':
        obstruct(at(step.file), step.what)
        return
      case 'clear':
        for (const path of obstructions) rmSync(path, { recursive: true, force: true })
        obstructions.clear()
    }
  }

  function at(index: number): Watched {
    return files[index] ?? raise(`there is no file ${index}`)
  }

  /** As the kubelet does it. */
  function project(token: Projected): void {
    const { source, audience, projected } = at(token.file)
    if (obstructions.has(source)) return
    const bytes = bytesOf(token, audience, tokens++, clock.now().wallMs)
    projected.set(bytes.toString('utf8').trim(), clock.now().wallMs)
    writeFileSync(`${source}.new`, bytes)
    renameSync(`${source}.new`, source)
  }

  function removeFile(path: string): void {
    if (!obstructions.has(path)) rmSync(path, { force: true })
  }

  function obstruct({ name, path, source }: Watched, what: 'source' | 'token' | 'temporary'): void {
    const place = { source, token: path, temporary: join(directory, `.${name}.new`) }[what]
    removeFile(place)
    if (obstructions.has(place)) return
    mkdirSync(place)
    writeFileSync(join(place, 'full'), '')
    obstructions.add(place)
  }
}

function watched({ name, audience, subjectTokenFile }: TokenFile, directory: string): Watched {
  return {
    name,
    audience: audience[0] ?? '',
    source: subjectTokenFile ?? '',
    path: join(directory, name),
    projected: new Map(),
  }
}

const unused: TokenSource<never> = {
  limits: SOURCE_LIMITS,
  timeout: 'unknown',
  warm: () => Promise.resolve(),
  mint: () => Promise.reject(new Error('no file gets its token here')),
}

function isCredentials(text: string, path: string): boolean {
  const { audience, credential_source } = JSON.parse(text) as {
    readonly audience: unknown
    readonly credential_source: { readonly file: unknown }
  }
  return audience === GOOGLE.audience && credential_source.file === path
}

function raise(message: string): never {
  throw new Error(message)
}
