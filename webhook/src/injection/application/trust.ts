import type { V1VolumeMount } from '@kubernetes/client-node'
import { TRUST_FILES } from '@aws-outbound-jwt-injector/proxy/contract'
import type { EnvironmentEdit } from './environment-edits.ts'
import { textAt } from '../pod/json.ts'
import type { JsonObject } from '../pod/json.ts'
import type { Container, Variable } from '../pod/pod.ts'
import { placeOf } from '../pod/pod.ts'
import type { Refusals } from '../outcome.ts'
import { TRUST } from '../sidecar/volumes.ts'

const BUNDLE = `${TRUST.mountPath}/${TRUST_FILES.bundle}`
const ANCHOR = `${TRUST.mountPath}/${TRUST_FILES.anchor}`

/** Of the bundle for Java. */
export const JAVA_BUNDLE = `${TRUST.mountPath}/${TRUST_FILES.javaBundle}`

/** Where clients look for what they trust, and take the file in the place of their own roots. */
const REPLACING = [
  'SSL_CERT_FILE',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'AWS_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  'PIP_CERT',
  'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH',
  'PERL_LWP_SSL_CA_FILE',
]
/** Those of Node and Deno, which add the file to their own roots. */
const ADDING = ['NODE_EXTRA_CA_CERTS', 'DENO_CERT']
const NAMES = new Set([...REPLACING, ...ADDING])

export const isTrustVariable = (name: string): boolean => NAMES.has(name)

/** Whether a variable names a file of ours. */
export const isOurTrust = (name: string, value: string): boolean =>
  isTrustVariable(name) && [ANCHOR, BUNDLE].includes(value)

/** SECURITY: read-only, so that no application changes what another one trusts. */
export const TRUST_MOUNT: V1VolumeMount = { ...TRUST, readOnly: true }

/**
 * Sets every variable to our files, wherever it is already.
 * @param hasExtraCa whether the bundle holds more than public roots and the pod's authority.
 */
export function planTrust(variables: readonly Variable[], hasExtraCa: boolean): readonly EnvironmentEdit[] {
  return [...NAMES].flatMap((name): readonly EnvironmentEdit[] => {
    // The anchor alone is read faster; it lacks what the namespace added.
    const value = ADDING.includes(name) && !hasExtraCa ? ANCHOR : BUNDLE
    const own = variables.filter((variable) => variable.name === name)
    if (own.length === 0) return [{ kind: 'insert', index: 0, name, value }]
    return own.map((variable) => ({ kind: 'set', variable, value }))
  })
}

/**
 * Refuses what a container mounts over, under or around our files, so that they could be missing or replaced.
 * @param ours one of the shared mounts.
 */
export function rejectMounts(
  container: Container,
  mounts: readonly JsonObject[],
  ours: V1VolumeMount,
  { report }: Refusals,
): void {
  const holds = ours.name === TRUST.name ? 'what https: intercept makes the container trust' : 'its token files'
  for (const mount of mounts) {
    const path = textAt(mount, 'mountPath')
    if (path !== undefined && collides(path, mount, ours.mountPath))
      report('mount-conflict', {
        where: `${placeOf(container)}.volumeMounts`,
        value: path,
        allowed: `another path; ${ours.mountPath} holds ${holds}`,
      })
  }
}

/** The kubelet mounts every service account token below it, which works in a volume around it that can be written. */
const SECRETS = '/var/run/secrets'

function collides(mountPath: string, mount: JsonObject, ours: string): boolean {
  // Images link /var/run to /run.
  const path = absolute(mountPath).replace(/^\/run(?=\/|$)/, '/var/run')
  if (isWithin(path, ours)) return true
  return isWithin(ours, path) && (isWithin(path, SECRETS) || mount['readOnly'] === true)
}

/** @returns the path as the kernel follows it, without an end of `/`. */
function absolute(path: string): string {
  const names: string[] = []
  for (const name of path.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return `/${names.join('/')}`
}

const isWithin = (path: string, parent: string): boolean =>
  path === parent || path.startsWith(parent.endsWith('/') ? parent : `${parent}/`)
