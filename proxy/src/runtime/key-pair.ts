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
 * @throws SettingsError naming setting and file when one cannot be read, is no PEM, or they do not belong together.
 */
export function readKeyPair(files: KeyPairFiles, read: (path: string) => string): KeyPair {
  const cert = load(files.cert, read, (pem) => new X509Certificate(pem))
  const key = load(files.key, read, (pem) => createPrivateKey(pem))
  if (!cert.parsed.checkPrivateKey(key.parsed))
    fail({ where: files.key.where, value: files.key.path, allowed: `the key of the certificate in ${files.cert.path}` })
  requireUsable(files.cert, cert.pem, key.pem)
  return { cert: cert.pem, key: key.pem, notAfter: cert.parsed.validToDate.getTime() }
}

/** SECURITY: the cause is left out; an error about a key may quote it. */
function load<T>(
  { where, path }: NamedFile,
  read: (path: string) => string,
  parse: (pem: string) => T,
): { readonly pem: string; readonly parsed: T } {
  try {
    const pem = read(path)
    return { pem, parsed: parse(pem) }
  } catch {
    return fail({ where, value: path, allowed: 'a readable PEM file' })
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
