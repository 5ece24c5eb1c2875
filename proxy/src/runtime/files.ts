import { accessSync, chmodSync, constants, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { errorCode } from './error-code.ts'
import type { NamedFile } from './key-pair.ts'
import { SettingsError } from './settings.ts'

/** Files as an argument; an error has Node's code. */
export interface Files {
  /** @returns the content; undefined when there is no such file. */
  read(path: string): string | undefined
  /** Writes a file whole: a reader finds the old one or the new one. @param mode such as 0o444, whatever the umask is. */
  replace(path: string, content: string | Uint8Array, mode: number): void
  /** Throws unless files in this directory can be replaced. */
  requireDirectory(path: string): void
}

/** The file system of the machine. */
export const diskFiles: Files = {
  read: (path) => {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined
      throw error
    }
  },
  replace: (path, content, mode) => {
    const temporary = join(dirname(path), `.${basename(path)}.new`)
    // What a process that was killed left behind may not be writable.
    rmSync(temporary, { force: true })
    // SECURITY: a key is never readable to others, not even before chmod.
    writeFileSync(temporary, content, { mode, flag: 'wx' })
    chmodSync(temporary, mode)
    renameSync(temporary, path)
  },
  requireDirectory: (path) => {
    readdirSync(path)
    accessSync(path, constants.W_OK | constants.X_OK)
  },
}

/** More than any secret or token that is sent in a request has. */
const LARGEST_BYTES = 64 * 1024

/**
 * Reads a secret or token, which somebody else writes.
 * SECURITY: whatever is there, it takes little memory, and never a thread for long: a pipe is not waited for.
 * @throws (as rejection) an error with Node's code; EFBIG above 64 KiB.
 */
export async function readSmallFile(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const bytes = await buffer(file.createReadStream({ end: LARGEST_BYTES }))
  if (bytes.length > LARGEST_BYTES) throw Object.assign(new RangeError('the file is too large'), { code: 'EFBIG' })
  return bytes.toString('utf8')
}

const WRONG: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it is not a directory',
  EROFS: 'it is read-only',
  EACCES: 'it may not be read or written',
  EPERM: 'it may not be read or written',
  ENOSPC: 'it has no space left',
  EDQUOT: 'it has no space left',
}

/** @returns what an error of a directory or of a file in it means; undefined for one that is no such error. */
export function whatIsWrong(error: unknown): string | undefined {
  const code = errorCode(error)
  return code === undefined ? undefined : (WRONG[code] ?? code)
}

/**
 * Uses a directory that a setting names.
 * @param neededBy what needs it, for the message where it is not set.
 * @returns what `use` returns.
 * @throws SettingsError naming setting, directory and what is wrong with it.
 */
export function inDirectory<T>({ where, path }: NamedFile, neededBy: string, use: () => T): T {
  const fail = (wrong: string): never => {
    throw new SettingsError([{ where, value: path, allowed: `a directory that can be written (${wrong})` }])
  }
  if (path === '') return fail(`${neededBy} needs it`)
  try {
    return use()
  } catch (error) {
    const wrong = whatIsWrong(error)
    if (wrong === undefined) throw error
    return fail(wrong)
  }
}
