// What is ours in a pod, and what is not.
import type { Json } from './object.ts'
import { allContainers, at, list, nameOf, object } from './object.ts'

const SIDECAR = 'aws-outbound-jwt-proxy'
const STATUS = 'outbound-jwt.io/status'
const LABEL = 'outbound-jwt.io/injected'
const PLAIN_VARIABLES = /^(?:http_proxy|no_proxy|node_use_env_proxy|java_tool_options)$/i
const TRUST_VARIABLES =
  /^(?:SSL_CERT_FILE|(?:REQUESTS|CURL|AWS)_CA_BUNDLE|GIT_SSL_CAINFO|PIP_CERT|GRPC_DEFAULT_SSL_ROOTS_FILE_PATH|PERL_LWP_SSL_CA_FILE|NODE_EXTRA_CA_CERTS|DENO_CERT)$/
/** Of the SDKs that the arbitraries choose. */
const SDK_VARIABLES = /^(?:AZURE_(?:CLIENT_ID|TENANT_ID|FEDERATED_TOKEN_FILE)|GOOGLE_APPLICATION_CREDENTIALS)$/

/** @returns what tells our variables: those of interception are the application's own business where there is none. */
function variablesOf(pod: Json): (variable: Json) => boolean {
  const hasFiles = list(at(pod, 'spec', 'volumes')).some((volume) => nameOf(volume) === 'aws-outbound-jwt-tokens')
  const intercepts = list(at(pod, 'spec', 'volumes')).some((volume) => nameOf(volume) === 'aws-outbound-jwt-trust')
  return (variable) => {
    const name = nameOf(variable)
    if (hasFiles && SDK_VARIABLES.test(name)) return true
    return PLAIN_VARIABLES.test(name) || (intercepts && (/^https_proxy$/i.test(name) || TRUST_VARIABLES.test(name)))
  }
}

const SYSCTL = 'net.ipv4.ip_unprivileged_port_start'
const LOOPBACK = ['127.0.0.1', '::1']

/** Names that lead to the sidecar and that the submitted pod did not have, by address. */
function aliasesOf(pod: Json, submitted: Json): Readonly<Record<string, readonly string[]>> {
  const before = namesByAddress(submitted)
  return Object.fromEntries(
    Object.entries(namesByAddress(pod)).map(([ip, names]) => [
      ip,
      names.filter((name) => before[ip]?.includes(name) !== true),
    ]),
  )
}

const namesByAddress = (pod: Json): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    list(at(pod, 'spec', 'hostAliases'))
      .filter(({ ip }) => LOOPBACK.includes(String(ip)))
      .map(({ ip, hostnames }) => [String(ip), hostnames as readonly string[]]),
  )

const isOurMount = (mount: Json): boolean => nameOf(mount).startsWith('aws-outbound-jwt-')

/** Members of the sidecar that EKS's hook and the API server's defaults add to any container. */
const ADDED = /^(?:AWS_(?:STS_REGIONAL_ENDPOINTS|DEFAULT_REGION|REGION|ROLE_ARN|WEB_IDENTITY_TOKEN_FILE|CONTAINER_.*))$/

/**
 * @returns our fragments: status, label, volumes, sidecar, and our variables in the containers of the submitted pod.
 * Resources are left out; they follow the class of the pod. So is what others add to every container.
 */
export function fragmentsOf(pod: Json, submitted: Json): object {
  const sidecar = allContainers(pod).find((container) => nameOf(container) === SIDECAR) ?? {}
  const names = allContainers(submitted).map(nameOf)
  return {
    status: at(pod, 'metadata', 'annotations', STATUS),
    label: at(pod, 'metadata', 'labels', LABEL),
    volumes: list(at(pod, 'spec', 'volumes')).filter((volume) => nameOf(volume).startsWith('aws-outbound-jwt-')),
    aliases: aliasesOf(pod, submitted),
    sysctls: list(at(pod, 'spec', 'securityContext', 'sysctls')).filter((sysctl) => nameOf(sysctl) === SYSCTL),
    sidecar: {
      image: sidecar['image'],
      restartPolicy: sidecar['restartPolicy'],
      ports: sidecar['ports'],
      securityContext: sidecar['securityContext'],
      startupProbe: at(sidecar, 'startupProbe', 'exec'),
      env: list(sidecar['env'])
        .filter((variable) => !ADDED.test(nameOf(variable)))
        .map((variable) => [nameOf(variable), variable['value'] ?? at(variable, 'valueFrom', 'fieldRef', 'fieldPath')]),
      mounts: list(sidecar['volumeMounts']).filter(isOurMount),
    },
    containers: allContainers(pod)
      .filter((container) => names.includes(nameOf(container)))
      .map((container) => [
        nameOf(container),
        list(container['env'])
          .filter(variablesOf(pod))
          .map((variable) => [nameOf(variable), variable['value']]),
        list(container['volumeMounts']).filter(isOurMount),
      ]),
  }
}

/**
 * @param injected the pod after injection, which tells what is ours.
 * @returns the pod as text without anything of ours and without what injection may make: empty lists, absent parents.
 */
export function withoutOurs(pod: Json, submitted: Json, injected: Json): string {
  const rest = structuredClone(pod)
  const spec = object(rest['spec'])
  const secrets = list(at(submitted, 'spec', 'imagePullSecrets')).map(nameOf)
  for (const [name, isOurs] of Object.entries({
    initContainers: (entry: Json) => nameOf(entry) === SIDECAR,
    volumes: (entry: Json) => nameOf(entry).startsWith('aws-outbound-jwt-'),
    imagePullSecrets: (entry: Json) => !secrets.includes(nameOf(entry)),
  })) {
    const kept = list(spec[name]).filter((entry) => !isOurs(entry))
    if (kept.length === 0) Reflect.deleteProperty(spec, name)
    else spec[name] = kept
  }
  withoutSteering(spec, injected, submitted)
  for (const container of allContainers(rest)) {
    const isOurs = variablesOf(injected)
    const env = list(container['env']).filter((variable) => !isOurs(variable))
    if (env.length === 0) delete container['env']
    else container['env'] = env
    const mounts = list(container['volumeMounts']).filter((mount) => !isOurMount(mount))
    if (mounts.length === 0) delete container['volumeMounts']
    else container['volumeMounts'] = mounts
  }
  const metadata = object(rest['metadata'])
  for (const [kind, key] of [
    ['annotations', STATUS],
    ['labels', LABEL],
  ] as const) {
    const entries = object(metadata[kind])
    Reflect.deleteProperty(entries, key)
    if (Object.keys(entries).length === 0) Reflect.deleteProperty(metadata, kind)
  }
  if (Object.keys(metadata).length === 0) delete rest['metadata']
  return JSON.stringify(sorted(rest))
}

/** Takes out the aliases and the sysctl that lead calls to the sidecar; what was there before stays. */
function withoutSteering(spec: Json, injected: Json, submitted: Json): void {
  const ours = aliasesOf(injected, submitted)
  const aliases = list(spec['hostAliases']).flatMap((alias): Json[] => {
    const added = ours[String(alias['ip'])] ?? []
    if (added.length === 0) return [alias]
    const hostnames = (alias['hostnames'] as readonly string[]).filter((name) => !added.includes(name))
    return hostnames.length === 0 ? [] : [{ ...alias, hostnames }]
  })
  if (aliases.length === 0) delete spec['hostAliases']
  else spec['hostAliases'] = aliases
  const before = list(at(submitted, 'spec', 'securityContext', 'sysctls')).map(nameOf)
  const context = object(spec['securityContext'])
  const sysctls = list(context['sysctls']).filter(
    (sysctl) =>
      nameOf(sysctl) !== SYSCTL ||
      before.includes(SYSCTL) ||
      list(object(injected['spec'])['hostAliases']).length === 0,
  )
  if (sysctls.length === 0) delete context['sysctls']
  else context['sysctls'] = sysctls
  if (Object.keys(context).length === 0) delete spec['securityContext']
}

/** The order of members means nothing, that of entries does. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  )
}
