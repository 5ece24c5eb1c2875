import { readFileSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { once } from 'node:events'
import { startNode } from '../../support/process.ts'
import type { RunningProcess } from '../../support/process.ts'
import { portsOf, startProxyProcess } from '../../support/proxy/process.ts'
import { connectThrough } from '../../support/proxy/tunnel.ts'

/** A process that passes bytes on to one upstream. */
export interface Target {
  readonly name: string
  open(): Promise<Socket>
  /** CPU it has used so far. */
  cpuMs(): number
  /** Resident now. */
  rssKb(): number
  close(): Promise<void>
}

const PAGE_KB = 4

export async function startProxyTarget(upstreamPort: number): Promise<Target> {
  const process = startProxyProcess({
    ROUTES: JSON.stringify([{ hosts: ['*.partner.example'] }]),
    // Never used: no tunnel here asks for a token.
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
  })
  const { proxy } = await portsOf(process)
  return observe('proxy', process, () => openTunnel(proxy, upstreamPort))
}

export async function startBareConnectTarget(upstreamPort: number): Promise<Target> {
  const process = startNode(['--max-semi-space-size=2', 'test/bench/tunnel/bare-connect.ts'], {})
  const port = Number((await process.logged('listening'))['port'])
  return observe('bare CONNECT', process, () => openTunnel(port, upstreamPort))
}

async function openTunnel(port: number, upstreamPort: number): Promise<Socket> {
  const { status, socket } = await connectThrough(port, `127.0.0.1:${upstreamPort}`)
  if (status !== 200) throw new Error(`CONNECT: ${status}`)
  return socket
}

export async function startBareTarget(upstreamPort: number): Promise<Target> {
  const process = startNode(['--max-semi-space-size=2', 'test/bench/tunnel/bare-pipe.ts', String(upstreamPort)], {})
  const port = Number((await process.logged('listening'))['port'])
  return observe('bare pipe', process, async () => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    await once(socket, 'connect')
    return socket
  })
}

function observe(name: string, process: RunningProcess, open: Target['open']): Target {
  const directory = `/proc/${process.pid}`
  /** In nanoseconds; the ticks of `stat` are as long as a hundred connections. */
  const cpuNs = (thread: string): number =>
    Number(readFileSync(`${directory}/task/${thread}/schedstat`, 'utf8').split(' ')[0])
  return {
    name,
    open,
    cpuMs: () => readdirSync(`${directory}/task`).reduce((sum, thread) => sum + cpuNs(thread), 0) / 1e6,
    rssKb: () => Number(readFileSync(`${directory}/statm`, 'utf8').split(' ')[1]) * PAGE_KB,
    close: async () => {
      process.signal('SIGKILL')
      await process.exited
    },
  }
}
