import { X509Certificate, createPrivateKey } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { Problem } from '../contract/problem.ts'
import { errorCode } from './error-code.ts'
import { SettingsError } from './settings.ts'

/** A certificate chain and its key as PEM, as `node:tls` takes them. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
  /** Wall clock, milliseconds. */
  readonly notAfter: number
}

/** A file, and the setting that names it. */
export interface NamedFile {
  readonly where: string
  readonly path: string
}

export interface KeyPairFiles {
  readonly cert: NamedFile
  readonly key: NamedFile
}

/**
 * Reads a certificate and its key.
 * @param known is what it returns when the files hold nothing else; looking at a key costs more than reading it.
 * @throws SettingsError naming setting and file when one cannot be read, is no PEM, or they do not belong together.
 */
export function readKeyPair(files: KeyPairFiles, read: (path: string) => string, known?: KeyPair): KeyPair {
  const cert = load(files.cert, read)
  const key = load(files.key, read)
  if (cert === known?.cert && key === known.key) return known
  const certificate = parse(files.cert, () => new X509Certificate(cert))
  const privateKey = parse(files.key, () => createPrivateKey(key))
  if (!certificate.checkPrivateKey(privateKey))
    fail({ where: files.key.where, value: files.key.path, allowed: `the key of the certificate in ${files.cert.path}` })
  requireUsable(files.cert, cert, key)
  return { cert, key, notAfter: certificate.validToDate.getTime() }
}

export interface PollDeps {
  readonly read: (path: string) => string
  readonly pollMs: number
  /** Called with every good pair, the one that is known included. */
  readonly onPair: (pair: KeyPair) => void
  /** Called each time there is none; the last good one is still in use. */
  readonly onProblem: (error: SettingsError) => void
}

/**
 * Reads a certificate and its key again and again: the one way that works for every kind of mount. A Secret's is replaced by moving a symlink.
 * @returns what ends it.
 */
export function pollKeyPair(files: KeyPairFiles, { read, pollMs, onPair, onProblem }: PollDeps): () => void {
  let known: KeyPair | undefined
  const poll = (): void => {
    try {
      known = readKeyPair(files, read, known)
      onPair(known)
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error
      onProblem(error)
    }
  }
  const timer = setInterval(poll, pollMs)
  return () => clearInterval(timer)
}

const load = (file: NamedFile, read: (path: string) => string): string => parse(file, () => read(file.path))

/** SECURITY: the cause is left out; an error about a key may quote it. */
function parse<T>({ where, path }: NamedFile, work: () => T): T {
  try {
    return work()
  } catch (error) {
    // Of the file system, such as EACCES; one of OpenSSL says nothing that a reader could use.
    const code = errorCode(error)
    const why = code === undefined || code.startsWith('ERR_') ? '' : ` (${code})`
    return fail({ where, value: path, allowed: `a readable PEM file${why}` })
  }
}

/** OpenSSL refuses more than what does not parse, such as short keys; better here than when the server is made. */
function requireUsable({ where, path }: NamedFile, cert: string, key: string): void {
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    fail({
      where,
      value: path,
      allowed: `a certificate that OpenSSL takes (${errorCode(error) ?? 'unknown'})`,
    })
  }
}

function fail(problem: Problem): never {
  throw new SettingsError([problem])
}
