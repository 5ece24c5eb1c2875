import { readKeyPair } from '@aws-outbound-jwt-injector/proxy/runtime'
import type { ServingCertificate } from './source.ts'

export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

/**
 * Reads the serving certificate of modes `secret` and `cert-manager`.
 * @throws SettingsError naming the variable and the file when the pair cannot be used.
 */
export function readCertificateFiles(
  { certFile, keyFile }: CertificateFiles,
  read: (path: string) => string,
): ServingCertificate {
  return readKeyPair(
    { cert: { where: 'TLS_CERT_FILE', path: certFile }, key: { where: 'TLS_KEY_FILE', path: keyFile } },
    read,
  )
}
