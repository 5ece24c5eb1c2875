import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, credentials } from '@grpc/grpc-js'
import { createTestAuthority } from '../support/certificates.ts'
import { startNameServer } from '../support/name-server.ts'
import { PARTNER_HOST, STS_HOST, startStack } from '../support/stack/stack.ts'
import type { Stack } from '../support/stack/stack.ts'
import { until } from '../support/until.ts'
import { HOSTS, startSoakPartners } from './partners.ts'
import type { SoakPartners } from './partners.ts'
import { createTokenFileReader } from './token-file.ts'
import type { TokenFileReader } from './token-file.ts'

/** The shipped proxy with everything a sidecar may have to do, all at once. */
export interface Soak extends Stack {
  readonly partners: SoakPartners
  /** PEM that applications trust besides public authorities. */
  readonly anchor: string
  readonly grpc: Client
  readonly tokenReader: TokenFileReader
  /** Whether the name of the partner also leads to the proxy. */
  readonly isSteered: boolean
}

const FILE = { name: 'soak', audience: ['urn:soak:file'], durationSeconds: 60 }

/** Starts it; the caller closes it. */
export async function startSoak(): Promise<Soak> {
  const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-soak-'))
  const [trust, own, tokens] = ['trust', 'authority', 'tokens'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  for (const path of [trust, own, tokens]) mkdirSync(path)
  const authority = await createTestAuthority()
  const caFile = join(directory, 'partners.crt')
  writeFileSync(caFile, authority.ca)
  const partnerAddress = outsideAddress()
  const partners = await startSoakPartners(authority, caFile, partnerAddress ?? '127.0.0.1')
  const here = { a: ['127.0.0.1'] }
  const there = { a: [partnerAddress ?? '127.0.0.1'] }
  const names = await startNameServer({
    [PARTNER_HOST]: there,
    [HOSTS.http2]: there,
    [HOSTS.exchanged]: here,
    [HOSTS.endpoint]: here,
    [STS_HOST]: here,
  })
  const stack = await startStack({
    route: { durationSeconds: 60, https: 'intercept' },
    routes: partners.routes,
    ...(partnerAddress !== undefined && {
      steered: { partnerAddress, nameServer: names.address, ports: [partners.http2Port] },
    }),
    environment: {
      RESOLVE_HOSTS: [PARTNER_HOST, ...Object.values(HOSTS)].map((name) => `${name}=127.0.0.1`).join(','),
      TRUST_DIR: trust,
      AUTHORITY_DIR: own,
      TOKENS_DIR: tokens,
      TOKEN_FILES: JSON.stringify([FILE]),
    },
  })
  partners.trust(stack.emulator.issuer)
  const anchor = readFileSync(join(trust, 'ca.crt'), 'utf8')
  // The only way to tell grpc-js.
  process.env['grpc_proxy'] = `http://127.0.0.1:${stack.proxyPort}`
  const grpc = new Client(partners.http2, credentials.createSsl(Buffer.from(anchor)))
  await until('the first tokens', async () => (await fetch(`http://127.0.0.1:${stack.adminPort}/readyz`)).ok)
  return {
    ...stack,
    partners,
    anchor,
    grpc,
    tokenReader: createTokenFileReader(join(tokens, FILE.name), FILE.audience[0] ?? '', stack.emulator.issuer),
    isSteered: partnerAddress !== undefined,
    close: async () => {
      grpc.close()
      await stack.close()
      await Promise.all([partners.close(), names.close()])
      rmSync(directory, { recursive: true })
    },
  }
}

/** An address of this machine that is not its loopback: where a partner can be while the proxy listens on the same port. */
function outsideAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address
}
