import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PROXY_CONTAINER } from '../../proxy/src/contract.ts'
import { MOUNT_ROOT } from '../../webhook/src/injection/sidecar/volumes.ts'
import { argumentsHere, entrypoint } from '../support/image.ts'
import { containerEnvironment } from '../support/kubelet.ts'
import type { RunningProcess } from '../support/process.ts'
import { startNode } from '../support/process.ts'
import type { Pod } from './pod.ts'
import { container, required } from './pod.ts'

const BUNDLES = 'dist/proxy'
/** Each takes up to 4 s. */
const PROBE_TRIES = 5

export interface SidecarWorld {
  /** Stands for what volumes would be mounted below: every path of the pod that begins there is one in it. */
  readonly directory: string
  /** What a kubelet would have written into the projected volume. */
  readonly token: string
  /** Names the cluster's DNS would know. */
  readonly names: Readonly<Record<string, string>>
  readonly podName: string
}

/** @returns the environment of one container of the pod, as its kubelet would make it. */
export function environmentOf(
  pod: Pod,
  name: string,
  { podName, directory }: Pick<SidecarWorld, 'podName' | 'directory'>,
): Record<string, string> {
  const fields = { 'metadata.name': podName, 'metadata.namespace': pod.metadata.namespace ?? 'default' }
  const service = { KUBERNETES_SERVICE_HOST: '10.96.0.1' }
  const environment = containerEnvironment(container(pod, name).env ?? [], fields, service)
  return Object.fromEntries(
    Object.entries(environment).map(([variable, value]) => [variable, value.replaceAll(MOUNT_ROOT, directory)]),
  )
}

/** Starts the shipped proxy as the patched pod says, and waits for it with the pod's own startup probe. */
export async function startSidecar(pod: Pod, world: SidecarWorld): Promise<RunningProcess> {
  const environment = {
    ...environmentOf(pod, PROXY_CONTAINER, world),
    RESOLVE_HOSTS: Object.entries(world.names)
      .map((entry) => entry.join('='))
      .join(','),
  }
  const tokenFile = required(environment, 'AWS_WEB_IDENTITY_TOKEN_FILE')
  mkdirSync(dirname(tokenFile), { recursive: true })
  writeFileSync(tokenFile, world.token, { mode: 0o600 })
  for (const { mountPath } of container(pod, PROXY_CONTAINER).volumeMounts ?? [])
    mkdirSync(mountPath.replace(MOUNT_ROOT, world.directory), { recursive: true })
  const sidecar = startNode(
    ['--import', './test/support/resolve.mjs', ...argumentsHere(entrypoint('Dockerfile.proxy'), BUNDLES)],
    environment,
  )
  const command = argumentsHere(container(pod, PROXY_CONTAINER).startupProbe?.exec?.command ?? [], BUNDLES)
  // As a kubelet does: a busy machine may need more than one.
  for (let tries = 1; ; tries++) {
    const probe = startNode(command, environment)
    const { status } = await Promise.race([probe.exited, sidecar.exited])
    if (status === 0) return sidecar
    if (tries === PROBE_TRIES) throw new Error(`the sidecar did not start:\n${sidecar.output()}\n${probe.output()}`)
  }
}

export interface Answer {
  readonly status: number
  readonly body: string
}

/** Runs the application: a process of its own that calls one URL with plain `fetch` in its container's environment. */
export async function runApplication(environment: Readonly<Record<string, string>>, url: string): Promise<Answer> {
  const application = startNode(['test/support/partner/application.ts', url], environment)
  const { status, body } = await application.logged('answer')
  return { status: Number(status), body: String(body) }
}

export interface Bystander {
  readonly port: number
  close(): void
}

/** A host nobody listed: plain HTTP, answers with the authorization it was sent. */
export async function startBystander(): Promise<Bystander> {
  const server = createServer((request, response) => {
    response.end(JSON.stringify({ authorization: request.headers.authorization ?? null }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, close: () => server.close() }
}
