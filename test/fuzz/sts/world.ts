import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestAuthority } from '../../support/certificates.ts'
import type { RunningProcess } from '../../support/process.ts'
import { portsOf, startProxyProcess } from '../../support/proxy/process.ts'
import type { StsAnswer } from './answers.ts'
import { SOUND } from './answers.ts'
import { startStrictPartner } from './partner.ts'
import type { StrictPartner } from './partner.ts'
import type { RawAnswer } from '../raw/answer.ts'
import { startRawAws } from './server.ts'
import type { Source } from './sessions.ts'
import { SOUND_SESSION } from './sessions.ts'
import { ROLE, createIssuer } from './token.ts'

/** About what Node takes inside the default memory limit of the sidecar: without one, garbage looks like a leak. */
const NODE_OPTIONS = '--max-old-space-size=64'
const SUFFIX = 'partner.example'

/** The shipped proxy between an STS that may answer anything and a partner that looks at every token. */
export interface StsWorld {
  readonly process: RunningProcess
  readonly proxyPort: number
  readonly partner: StrictPartner
  /** @returns a host of the partner whose token nobody has asked for yet; the first calls for it are answered like this, later ones soundly. */
  hostFor(answers: readonly StsAnswer[]): string
  /** Sessions that are asked for from now on get these answers, in order; later ones sound ones. */
  planSessions(answers: readonly RawAnswer[]): void
  /** Sessions that are asked for from now on are sound. @returns how many answers nobody asked for. */
  forgetSessions(): number
  /** @returns how an application calls a host of the partner. */
  urlOf(host: string): string
  /** How often STS was asked for the token of one host, at most. */
  mostCalls(): number
  /** Hosts whose good answers came to nothing. */
  readonly spoiled: Set<string>
  close(): Promise<void>
}

/** @param sound the session that AWS gives when all is well. */
export async function createStsWorld(source: Source, sound = SOUND_SESSION[source]): Promise<StsWorld> {
  const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-fuzz-'))
  const issuer = createIssuer()
  const authority = await createTestAuthority()
  const partner = await startStrictPartner(await authority.issue([`*.${SUFFIX}`]), issuer)
  const planned = new Map<string, StsAnswer[]>()
  const calls = new Map<string, number>()
  const sessions: RawAnswer[] = []
  const aws = await startRawAws({
    toToken: (audience) => {
      calls.set(audience, (calls.get(audience) ?? 0) + 1)
      const answer = planned.get(audience)?.shift() ?? SOUND
      return { answer, token: issuer.issue(answer, audience) }
    },
    toSession: () => sessions.shift() ?? sound,
  })
  const files = { ca: join(directory, 'ca.crt'), token: join(directory, 'token') }
  writeFileSync(files.ca, authority.ca)
  writeFileSync(files.token, 'a-service-account-token')
  const process = startProxyProcess({
    NODE_OPTIONS,
    LOG_LEVEL: 'debug',
    ROUTES: JSON.stringify([{ hosts: [`*.${SUFFIX}:${partner.port}`] }]),
    EXPECTED_ROLE_ARN: ROLE,
    UPSTREAM_CA_FILE: files.ca,
    ALLOW_LOCAL_UPSTREAMS: 'true',
    AWS_REGION: 'eu-central-1',
    AWS_ENDPOINT_URL_STS: aws.url,
    ...(source === 'web identity'
      ? { AWS_ROLE_ARN: ROLE, AWS_WEB_IDENTITY_TOKEN_FILE: files.token }
      : { AWS_CONTAINER_CREDENTIALS_FULL_URI: aws.url, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: files.token }),
    AWS_EC2_METADATA_DISABLED: 'true',
    RESOLVE_HOSTS: `*.${SUFFIX}=127.0.0.1`,
  })
  const { proxy } = await portsOf(process)
  let hosts = 0
  return {
    process,
    proxyPort: proxy,
    partner,
    mostCalls: () => Math.max(0, ...calls.values()),
    spoiled: new Set(),
    forgetSessions: () => sessions.splice(0).length,
    planSessions: (answers) => void sessions.push(...answers),
    urlOf: (host) => `http://${host}:${partner.port}/`,
    hostFor: (answers) => {
      const host = `h${hosts++}.${SUFFIX}`
      planned.set(`https://${host}`, [...answers])
      return host
    },
    close: async () => {
      process.signal('SIGKILL')
      await process.exited
      await Promise.all([partner.close(), aws.close()])
      rmSync(directory, { recursive: true })
    },
  }
}
