import type { Partner } from './world.ts'
import { MEGABYTE_PATH } from './world.ts'

/** A kind of traffic. The client side is always http. */
export interface Lane {
  readonly name: string
  readonly title: string
  readonly partner: Partner
  readonly path: string
  readonly body?: string
  readonly connections: number
  readonly closes?: boolean
  /** Requests at fixed times instead of as many as possible. */
  readonly perSecond?: number
  /** Names, in the order of the table. */
  readonly targets: readonly string[]
}

const CONNECTIONS = 50
const MOST = ['direct', 'proxy', 'nginx', 'Envoy', 'Go, tuned pool', 'reference', 'httpxy', 'http-proxy']
const EVERY = [...MOST, 'Go, default pool', 'proxy, before']
/** What speaks HTTP/2 where it is offered, beside what stays with HTTP/1.1. */
const ABOUT_HTTP2 = ['direct', 'proxy', 'nginx', 'Envoy', 'Envoy, HTTP/2', 'Go, tuned pool', 'reference']
/** Beside a call in clear text: what a proxy adds includes its TLS. */
const ADDED = ['direct, http', 'direct', 'proxy', 'nginx', 'Envoy', 'Go, tuned pool', 'reference', 'http-proxy']

const lane = (differences: Pick<Lane, 'name' | 'title'> & Partial<Lane>): Lane => ({
  partner: 'https',
  path: '/',
  connections: CONNECTIONS,
  targets: MOST,
  ...differences,
})

export const LANES: readonly Lane[] = [
  lane({ name: 'https', title: '1 KiB, https partner with HTTP/1.1 only', targets: EVERY }),
  lane({ name: 'h2', title: '1 KiB, https partner that offers HTTP/2', partner: 'h2', targets: ABOUT_HTTP2 }),
  lane({ name: 'http', title: '1 KiB, http partner, no token of ours', partner: 'http', targets: EVERY }),
  lane({ name: 'post', title: 'POST of 10 KB, https partner', body: 'y'.repeat(10_000) }),
  lane({
    name: 'download',
    title: 'download of 1 MiB, https partner, 16 connections',
    path: MEGABYTE_PATH,
    connections: 16,
  }),
  lane({
    name: 'connection',
    title: '1 KiB, https partner, a new connection of the client for each request',
    closes: true,
  }),
  lane({ name: 'rate-300', title: '300 requests per second, 1 KiB, https partner', perSecond: 300, targets: ADDED }),
  lane({
    name: 'rate-2000',
    title: '2,000 requests per second, 1 KiB, https partner',
    perSecond: 2000,
    targets: ADDED,
  }),
]
