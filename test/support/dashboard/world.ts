import { once } from 'node:events'
import type { Agent, ServerResponse } from 'node:http'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createEmulator } from '../../aws-emulator/src/index.ts'
import { createTestAuthority } from '../certificates.ts'
import type { RunningProcess } from '../process.ts'
import type { Target } from '../prometheus.ts'
import { call, keepAlive } from '../proxy/client.ts'
import { secureThrough } from '../proxy/interception.ts'
import { portsOf, startProxyProcess } from '../proxy/process.ts'
import { connectThrough } from '../proxy/tunnel.ts'
import { startUpstream } from '../proxy/upstream.ts'
import { recordedReview, startWebhook, withAnnotation } from '../webhook.ts'

/** Pods with the shipped sidecar, the shipped webhook, and what they do. */
export interface World {
  readonly targets: readonly Target[]
  /** What everybody does in this second. */
  act(second: number): Promise<void>
  close(): Promise<void>
}

const ROLE = 'arn:aws:iam::123456789012:role/orders'
const NAMESPACE = 'shop'
const [API, TAX, STATUS] = ['api.partner.example', 'tax.partner.example', 'status.example']
const DAY_MS = 86_400_000

interface Pod {
  readonly name: string
  readonly proxyPort: number
  readonly adminPort: number
  readonly anchor: string
  readonly agent: Agent
}

/** Starts everything; files go to this directory. */
export async function startWorld(directory: string): Promise<World> {
  const authority = await createTestAuthority()
  const emulator = await createEmulator({ region: 'eu-central-1', accountId: '123456789012', roles: [{ arn: ROLE }] })
  let now = 0
  const partner = await startUpstream(
    ({ headers }, reply) => void answer(headers.host === API, reply, now),
    await authority.issue([API, TAX]),
  )
  const plain = await startUpstream((_, reply) => reply.end('up'))
  const write = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  const clients = await createTestAuthority('clients')
  const pair = await clients.issue(['orders'], { notAfter: new Date(Date.now() + 60 * DAY_MS) })
  mkdirSync(join(directory, 'client'))
  write('client/tls.crt', pair.cert)
  write('client/tls.key', pair.key)
  const common = {
    ALLOW_LOCAL_UPSTREAMS: 'true',
    UPSTREAM_CA_FILE: write('ca.crt', authority.ca),
    AWS_REGION: 'eu-central-1',
    AWS_ENDPOINT_URL_STS: emulator.stsUrl,
    AWS_ROLE_ARN: ROLE,
    AWS_WEB_IDENTITY_TOKEN_FILE: write(
      'token',
      await emulator.mintServiceAccountToken({ namespace: NAMESPACE, serviceAccount: 'orders' }),
    ),
    RESOLVE_HOSTS: [API, TAX, STATUS].map((name) => `${name}=127.0.0.1`).join(','),
    REDIRECT_PORTS: [API, TAX].map((name) => `${name}=${partner.port}`).join(','),
  }
  const processes: RunningProcess[] = []
  /** Tokens live a minute or two, so that minutes show how they are replaced. */
  const startPod = async (name: string): Promise<Pod> => {
    const at = (volume: string): string => join(directory, name, volume)
    for (const volume of ['trust', 'authority', 'tokens']) mkdirSync(at(volume), { recursive: true })
    const process = startProxyProcess({
      ROUTES: JSON.stringify([
        { hosts: [API], durationSeconds: 90, https: 'intercept' },
        { hosts: [TAX], durationSeconds: 120, clientCertificateDir: join(directory, 'client') },
      ]),
      TRUST_DIR: at('trust'),
      AUTHORITY_DIR: at('authority'),
      TOKENS_DIR: at('tokens'),
      TOKEN_FILES: JSON.stringify([{ name: 'azure', audience: ['api://AzureADTokenExchange'], durationSeconds: 100 }]),
      ...common,
    })
    processes.push(process)
    const ports = await portsOf(process)
    const anchor = readFileSync(join(at('trust'), 'ca.crt'), 'utf8')
    return { name, proxyPort: ports.proxy, adminPort: ports.admin, anchor, agent: keepAlive(8) }
  }
  const pods = await Promise.all(['orders-0', 'orders-1', 'orders-2'].map(startPod))
  const webhook = await startWebhook(directory, {
    ...authority,
    issue: (names) => authority.issue(names, { notAfter: new Date(Date.now() + 60 * DAY_MS) }),
  })
  processes.push(webhook.process)
  const stranger = (await createTestAuthority('a stranger')).ca
  const review = recordedReview()
  const admit = async (second: number): Promise<void> => {
    if (second % 3 === 0) await webhook.review(review)
    if (second % 10 === 0) await webhook.review(withAnnotation(review, 'outbound-jwt.io/hosts', '10.0.0.1'))
  }
  return {
    targets: [
      ...pods.map(({ name, adminPort }) => ({ address: `127.0.0.1:${adminPort}`, namespace: NAMESPACE, pod: name })),
      { address: webhook.adminAddress, namespace: 'outbound-jwt-system', pod: 'injector-0' },
    ],
    act: async (second) => {
      now = second
      if (second === STS_FAILS.from)
        emulator.setFaults([{ operation: 'GetWebIdentityToken', kind: 'error', code: 'InternalFailure', status: 500 }])
      if (second === STS_FAILS.to) emulator.setFaults([])
      await Promise.all([
        admit(second),
        ...pods.map((pod) => work(pod, second)),
        ...pods.map((pod) => useHttps(pod, second, plain.port)),
        ...(isIn(UNTRUSTING, second) ? [trust(pods[0]!, stranger)] : []),
      ])
    },
    close: async () => {
      for (const process of processes) process.signal('SIGKILL')
      await Promise.all(processes.map(({ exited }) => exited))
      for (const { agent } of pods) agent.destroy()
      await Promise.all([partner.close(), plain.close(), emulator.close()])
    },
  }
}

/** What goes wrong, in seconds from the beginning. */
interface Period {
  readonly from: number
  readonly to: number
}
const STS_FAILS: Period = { from: 30, to: 50 }
const FORBIDDEN: Period = { from: 70, to: 95 }
const UNTRUSTING: Period = { from: 100, to: 120 }
const BROKEN: Period = { from: 135, to: 155 }

const isIn = ({ from, to }: Period, second: number): boolean => second >= from && second < to

/** Partners take some milliseconds; one of them refuses a few requests for a while, the other breaks connections. */
async function answer(isApi: boolean, reply: ServerResponse, second: number): Promise<void> {
  const share = Math.random()
  await delay(isApi ? 5 + 20 * share : 20 + 60 * share)
  if (!isApi && share < 0.2 && isIn(BROKEN, second)) reply.destroy()
  else reply.writeHead(isApi && share < 0.3 && isIn(FORBIDDEN, second) ? 403 : 200).end('{}')
}

/** More and less in turn, spread over the second. */
async function work({ proxyPort, agent }: Pod, second: number): Promise<void> {
  const wave = Math.sin((second / 60) * Math.PI)
  const urls = [
    ...Array.from({ length: Math.round(8 + 4 * wave) }, () => `http://${API}/orders`),
    ...Array.from({ length: Math.round(4 - 2 * wave) }, () => `http://${TAX}/rates`),
    ...(Math.abs(second) % 20 < 2 ? ['http://169.254.169.254/'] : []),
  ]
  await Promise.all(
    urls.map(async (url, index) => {
      await delay((index / urls.length) * 900)
      await call(proxyPort, url, { agent })
    }),
  )
}

/** An intercepted URL, and now and then one of a host without a rule, and one whose route does not intercept. */
async function useHttps(pod: Pod, second: number, plainPort: number): Promise<void> {
  await trust(pod, pod.anchor)
  if (second % 2 === 0) (await connectThrough(pod.proxyPort, `${STATUS}:${plainPort}`)).socket.destroy()
  if (second % 4 === 0) await connectThrough(pod.proxyPort, `${TAX}:443`)
}

/** Calls an https:// URL that is intercepted, trusting these authorities. */
async function trust({ proxyPort }: Pod, ca: string): Promise<void> {
  const socket = await secureThrough(proxyPort, `${API}:443`, { ca }).catch(() => undefined)
  if (!socket) return
  socket.write(`GET /orders HTTP/1.1\r\nHost: ${API}\r\nConnection: close\r\n\r\n`)
  socket.resume()
  await once(socket, 'close')
}
