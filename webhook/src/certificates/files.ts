import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { Problem } from '@aws-outbound-jwt-injector/proxy/contract'
import { SettingsError } from '@aws-outbound-jwt-injector/proxy/runtime'
import type { ServingCertificate } from './source.ts'

export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

/**
 * Reads the serving certificate of modes `secret` and `cert-manager`.
 * @throws SettingsError naming the variable and the file when one cannot be read, is no PEM, or they do not belong together.
 */
export function readCertificateFiles(
  { certFile, keyFile }: CertificateFiles,
  read: (path: string) => string,
): ServingCertificate {
  const cert = load('TLS_CERT_FILE', certFile, () => {
    const pem = read(certFile)
    return { pem, parsed: new X509Certificate(pem) }
  })
  const key = load('TLS_KEY_FILE', keyFile, () => {
    const pem = read(keyFile)
    return { pem, parsed: createPrivateKey(pem) }
  })
  if (!cert.parsed.checkPrivateKey(key.parsed))
    fail({ where: 'TLS_KEY_FILE', value: keyFile, allowed: `the key of the certificate in ${certFile}` })
  return { cert: cert.pem, key: key.pem, notAfter: cert.parsed.validToDate.getTime() }
}

/** SECURITY: the cause is left out; an error about a key may quote it. */
function load<T>(where: string, file: string, parse: () => T): T {
  try {
    return parse()
  } catch {
    return fail({ where, value: file, allowed: 'a readable PEM file' })
  }
}

function fail(problem: Problem): never {
  throw new SettingsError([problem])
}
