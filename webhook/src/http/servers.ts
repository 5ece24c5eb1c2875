import type { Server } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { ServerLimits } from '@aws-outbound-jwt-injector/proxy/runtime'
import { ADMIN_LIMITS, createHttpServer, createHttpsServer } from '@aws-outbound-jwt-injector/proxy/runtime'
import { createApp } from './app.ts'
import type { Routes } from './routes.ts'

const ADMISSION_LIMITS: ServerLimits = {
  // An API server sends at most a few hundred reviews at once, each on a connection of its own. A half TLS handshake holds 65 kB.
  connections: { total: 1024, perPeer: 512 },
  headBytes: 16 * 1024,
  headMs: 10_000,
  requestMs: 15_000,
  // The API server keeps idle connections for 90 s; closing one first would lose an admission. kubernetes/kubernetes#127335
  keepAliveMs: 120_000,
}

export interface Servers {
  /** Without a certificate: handshakes fail until one is installed. */
  readonly admission: HttpsServer
  readonly admin: Server
}

/**
 * Creates the server of each port. The caller listens and closes.
 * @param isClientKnown whether the API server must have a certificate; its CA is installed with ours.
 */
export function createServers(routes: Routes, isClientKnown = false): Servers {
  return {
    admission: createHttpsServer(ADMISSION_LIMITS, createApp(routes.admission), { isClientKnown }),
    admin: createHttpServer(ADMIN_LIMITS, createApp(routes.admin)),
  }
}
