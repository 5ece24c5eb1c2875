import { argumentsHere, entrypoint } from '../image.ts'
import type { RunningProcess } from '../process.ts'
import { startNode } from '../process.ts'

/** Arguments after `node` for the proxy that was built, as its image runs it. */
export const proxyArguments = (): readonly string[] => argumentsHere(entrypoint('Dockerfile.proxy'), 'dist/proxy')

const FREE_PORTS = {
  LISTEN_ADDR: '127.0.0.1:0',
  ADMIN_LISTEN_ADDR: '127.0.0.1:0',
  CONTROL_LISTEN_ADDR: '127.0.0.1:0',
}
/** Variable of the tests → what is loaded first and reads it. */
const PRELOADS = {
  RESOLVE_HOSTS: './test/support/resolve.mjs',
  REDIRECT_PORTS: './test/support/redirect-ports.mjs',
}

/** Starts the proxy that was built, on free ports of loopback unless the environment names others. */
export function startProxyProcess(environment: Readonly<Record<string, string>>): RunningProcess {
  const preloads = Object.entries(PRELOADS).filter(([variable]) => Object.hasOwn(environment, variable))
  const imports = preloads.flatMap(([, module]) => ['--import', module])
  return startNode([...imports, ...proxyArguments()], { ...FREE_PORTS, ...environment })
}

export interface ProxyPorts {
  /** NaN where it only writes token files. */
  readonly proxy: number
  readonly admin: number
  readonly control: number
}

/** @returns the ports of a proxy once it listens. */
export async function portsOf(process: RunningProcess): Promise<ProxyPorts> {
  const listening = await process.logged('listening')
  const portOf = (name: string): number => Number(String(listening[name]).split(':').at(-1))
  return { proxy: portOf('proxy'), admin: portOf('admin'), control: portOf('control') }
}
