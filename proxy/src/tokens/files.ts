import type { TokenFile } from '../contract.ts'
import { googleCredentialsName } from '../contract.ts'
import { ProxyError } from '../errors.ts'
import type { ProxyMetrics } from '../metrics.ts'
import { backoffMs, inDirectory, whatIsWrong } from '../runtime/index.ts'
import type { Files, Logger, Metrics, NamedFile } from '../runtime/index.ts'
import { externalAccount } from './external-account.ts'
import { tokenSpecOf } from './sources.ts'
import type { Clock } from './time.ts'
import { tokenRequest } from './token-request.ts'
import type { TokenRequest, Tokens } from './token-request.ts'

export interface TokenFilesDeps {
  readonly files: readonly TokenFile[]
  /** Where they are; an empty path means that the setting is not set. */
  readonly directory: NamedFile
  readonly tokens: Pick<Tokens, 'get'>
  readonly disk: Files
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly log: Logger
  readonly instruments: Pick<Metrics<ProxyMetrics>['instruments'], 'tokenFileWritten' | 'tokenFileFailures'>
}

/** How a token file is, for doctor. */
export interface TokenFileState {
  readonly path: string
  /** When this process last wrote a token into it, Unix epoch; undefined: never. */
  readonly writtenWallMs: number | undefined
  /** Why it is not current. */
  readonly problem: TokenFileProblem | undefined
}

export interface TokenFileProblem {
  /** No token, or a file that cannot be written. */
  readonly reason: 'token' | 'write'
  readonly detail: string
  readonly hint: string
}

/** Keeps the files of TOKEN_FILES current. A file is never emptied or removed: what is in it stays until a newer token is there. */
export interface TokenFiles {
  /** Starts, without waiting. Call it once. */
  begin(): void
  /** Names of files for whose first token the application should still wait; none from 30 s after the start on. */
  awaited(): readonly string[]
  states(): readonly TokenFileState[]
  close(): void
}

/** How often the engine is asked for a newer token, and how soon a file is back that somebody removed. */
const CHECK_MS = 10_000
/** While there is no token. The engine refreshes in the background as well. */
const MISSING = { firstMs: 2_000, longestMs: 30_000 }
/** How long a pod waits for its first tokens. */
const PATIENCE_MS = 30_000
/** SECURITY: the volume is the pod's; its applications run as any user, and none of them may change a token. */
const MODE = 0o444

/** @returns the requests for the tokens of these files. */
export function tokenFileRequests(files: readonly TokenFile[]): readonly TokenRequest[] {
  // No name of a route has a slash.
  return files.map((file) => tokenRequest(`token-file/${file.name}`, tokenSpecOf(file)))
}

/**
 * Creates what keeps the files; nothing is written yet.
 * @throws SettingsError when the directory cannot be used.
 */
export function createTokenFiles(deps: TokenFilesDeps): TokenFiles {
  const { files, directory, disk, clock, log } = deps
  inDirectory(directory, 'a token file', () => disk.requireDirectory(directory.path))
  const requests = tokenFileRequests(files)
  const writers = files.map((file, index) => createFileWriter(file, requests[index] as TokenRequest, deps))
  let isPatient = true
  let cancelPatience = (): void => undefined
  const missing = (): readonly FileWriter[] => writers.filter((writer) => writer.state().writtenWallMs === undefined)
  return {
    begin: () => {
      writers.forEach((writer) => writer.begin())
      cancelPatience = clock.after(PATIENCE_MS, () => {
        isPatient = false
        for (const { name, state } of missing())
          log.warn('the application starts without a token file', { file: name, ...(state().problem ?? WAITING) })
      })
    },
    awaited: () => (isPatient ? missing().map(({ name }) => name) : []),
    states: () => writers.map(({ state }) => state()),
    close: () => {
      cancelPatience()
      writers.forEach((writer) => writer.close())
    },
  }
}

const WAITING: TokenFileProblem = {
  reason: 'token',
  detail: 'the source has not answered yet',
  hint: 'Look for the line "token not minted" in this log.',
}

/** Keeps one file. */
interface FileWriter {
  readonly name: string
  begin(): void
  state(): TokenFileState
  close(): void
}

function createFileWriter({ name, sdk }: TokenFile, request: TokenRequest, deps: TokenFilesDeps): FileWriter {
  const { directory, tokens, disk, clock, random, log, instruments } = deps
  const path = `${directory.path}/${name}`
  const credentials = sdk?.google && {
    path: `${directory.path}/${googleCredentialsName({ name })}`,
    content: externalAccount(sdk.google, path),
  }
  const written = instruments.tokenFileWritten.with({ file: name })
  /** What the file is to hold: the newest token that there was. */
  let token: string | undefined
  let writtenWallMs: number | undefined
  let problem: TokenFileProblem | undefined
  let failures = 0
  let isClosed = false
  let cancelTimer = (): void => undefined

  return {
    name,
    begin: () => {
      written.set(0)
      check()
    },
    state: () => ({ path, writtenWallMs, problem }),
    close: () => {
      isClosed = true
      cancelTimer()
    },
  }

  function check(): void {
    const answer = tokens.get(request)
    if (typeof answer === 'string') keep(answer)
    else answer.then(keep, fail)
  }

  function keep(newest: string): void {
    token = newest
    failures = 0
    if (write()) settle(undefined)
    schedule(CHECK_MS)
  }

  function fail(error: unknown): void {
    failures += 1
    if (write()) {
      const known = error instanceof ProxyError ? error : new ProxyError('internal_error', { cause: error })
      settle({ reason: 'token', detail: known.message, hint: known.hint })
    }
    schedule(backoffMs(MISSING, failures, random()))
  }

  /** Writes what is missing or different. @returns whether the files are as they should be. */
  function write(): boolean {
    try {
      if (credentials !== undefined) ensure(credentials.path, credentials.content)
      if (token !== undefined && (ensure(path, token) || writtenWallMs === undefined)) {
        log[writtenWallMs === undefined ? 'info' : 'debug']('token file written', { file: name })
        writtenWallMs = clock.now().wallMs
        written.set(writtenWallMs / 1000)
      }
      return true
    } catch (error) {
      const wrong = whatIsWrong(error)
      if (wrong === undefined) throw error
      settle({ reason: 'write', detail: `${directory.path} or a file in it: ${wrong}`, hint: WRITE_HINT })
      return false
    }
  }

  /** @returns whether the file was not there or held something else. */
  function ensure(file: string, content: string): boolean {
    if (disk.read(file) === content) return false
    disk.replace(file, content, MODE)
    return true
  }

  /** Counts every failure and tells of each kind once. */
  function settle(found: TokenFileProblem | undefined): void {
    const isNews = found?.reason !== problem?.reason || found?.detail !== problem?.detail
    problem = found
    if (found === undefined) return
    instruments.tokenFileFailures.with({ file: name, reason: found.reason }).add()
    if (isNews) log.warn('token file not written', { file: name, ...found })
  }

  function schedule(delayMs: number): void {
    cancelTimer()
    if (!isClosed) cancelTimer = clock.after(delayMs, check)
  }
}

const WRITE_HINT = 'The volume of TOKENS_DIR must have room, and belong to the user of this container.'
