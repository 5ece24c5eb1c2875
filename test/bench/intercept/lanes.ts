import { streamedMessages, unaryCalls } from './grpc.ts'
import { keptConnections, newConnections } from './http1.ts'
import type { Load } from './load.ts'
import { HTTP_PATH } from './targets.ts'
import type { Target } from './targets.ts'
import type { InterceptedPartner } from './world.ts'

/** A kind of traffic. */
export interface Lane {
  readonly name: string
  readonly title: string
  readonly partner: InterceptedPartner
  /** By target, in the order of the table. What the first one costs is the yardstick. */
  readonly loads: Readonly<Record<string, (target: Target) => Promise<Load>>>
}

const kept = (target: Target): Promise<Load> => keptConnections(target)
/** What a unary call carries. */
const posted = (target: Target): Promise<Load> => keptConnections(target, 'x'.repeat(1024))

export const LANES: readonly Lane[] = [
  {
    name: 'kept',
    title: '1 KiB, 50 kept connections, partner with HTTP/1.1 only',
    partner: 'https',
    loads: { [HTTP_PATH]: kept, proxy: kept, steered: kept, goproxy: kept, squid: kept, mitmproxy: kept },
  },
  {
    name: 'handshake',
    title: '1 KiB, a new connection of the client for each request, 16 at once',
    partner: 'https',
    loads: {
      goproxy: newConnections,
      proxy: newConnections,
      steered: newConnections,
      squid: newConnections,
      mitmproxy: newConnections,
    },
  },
  {
    name: 'unary',
    title: 'gRPC: unary calls of 1 KiB, 50 streams on one connection; the http:// path posts as much on 50 connections',
    partner: 'grpc',
    loads: { [HTTP_PATH]: posted, proxy: unaryCalls, steered: unaryCalls, nginx: unaryCalls },
  },
  {
    name: 'stream',
    title: 'gRPC: messages of 1 MiB said back, 4 streams on one connection',
    partner: 'grpc',
    loads: { nginx: streamedMessages, proxy: streamedMessages },
  },
]
