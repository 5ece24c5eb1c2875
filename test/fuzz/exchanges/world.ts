import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestAuthority } from '../../support/certificates.ts'
import { portsOf, startProxyProcess } from '../../support/proxy/process.ts'
import { startUpstream } from '../../support/proxy/upstream.ts'
import type { RawCall, RawReply } from '../raw/server.ts'
import { startRawServer } from '../raw/server.ts'
import { SOUND as SOUND_STS } from '../sts/answers.ts'
import { startRawAws } from '../sts/server.ts'
import { SOUND_SESSION } from '../sts/sessions.ts'
import { ROLE, createIssuer } from '../sts/token.ts'
import type { ExchangeAnswer } from './answers.ts'
import { SOUND, replyOf } from './answers.ts'
import { Spoken } from './spoken.ts'
import type { ExchangeName } from './routes.ts'
import { ENDPOINT_HOST, EXCHANGES, GOOGLE_HOSTS, credentialOf, formOf, slotOf } from './routes.ts'

/** One route, and what its token endpoint answers first. */
export interface ExchangeCase {
  readonly exchange: ExchangeName
  readonly answers: readonly ExchangeAnswer[]
}

/** The shipped proxy between token endpoints that may answer anything and partners that look at every token. */
export interface ExchangeWorld {
  readonly proxyPort: number
  /** @returns how an application calls the partner of a case. */
  urlOf(slot: number): string
  /** From now on every endpoint answers soundly. */
  recover(): void
  /** @returns in how many milliseconds a token with a short life is over, one that the endpoint of this slot said last; undefined when there is none. */
  lapseMs(slot: number): number | undefined
  /** What reached a partner or an endpoint that never may. */
  readonly wrongs: readonly string[]
  output(): string
  /** The most memory that the process ever had resident, in bytes. */
  peakBytes(): number
  /** The most bytes of an answer without an end that the process took, those in buffers of sockets included. */
  takenBytes(): number
  close(): Promise<void>
}

/** About what Node takes inside the default memory limit of the sidecar. */
const NODE_OPTIONS = '--max-old-space-size=64'
/** With everything that some way of writing it changes. */
export const SECRET = "cl!ent s3cret'~(x)&+%/Z9"
/** More than answers that are planned for a slot, and a retry every other second until they are through. */
const MOST_CALLS = 200
/** Header field with the time at which the application sent a request: on a busy machine it arrives much later. */
const STARTED = 'x-started'

/** @returns the header of a request that is sent now. */
export const startedNow = (): OutgoingHttpHeaders => ({ [STARTED]: performance.now() })

const SUFFIX = 'partner.example'

/** A case has the slot of its index. */
export async function startExchangeWorld(cases: readonly ExchangeCase[]): Promise<ExchangeWorld> {
  const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-fuzz-'))
  const issuer = createIssuer()
  const authority = await createTestAuthority()
  const wrongs: string[] = []
  const slots = cases.map(({ exchange, answers }) => ({
    exchange,
    planned: [...answers],
    spoken: new Spoken(),
    calls: 0,
  }))
  const answer = (call: RawCall): RawReply => {
    const number = slotOf(call)
    const slot = slots[number]
    if (!slot) throw new Error(`a call of no route: ${JSON.stringify(call)}`)
    const form = formOf(call)
    const subject = /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(call.body)?.[0] ?? ''
    const isOwn = form.startsWith('google ')
      ? slot.spoken.has(bearerOf(call))
      : audienceOf(subject) === `urn:slot${number}`
    if (!isOwn) wrongs.push(`the endpoint of slot ${number} was sent ${JSON.stringify(call).slice(0, 1_000)}`)
    if (++slot.calls > MOST_CALLS) wrongs.push(`the endpoint of slot ${number} is called in a loop`)
    const said = slot.planned.shift() ?? SOUND
    const token = `slot${number}-${randomBytes(60).toString('base64').replace(/\W/g, '').slice(0, 44)}aB3`
    const secret = slot.exchange.includes('secret') ? SECRET : ''
    const reply = replyOf(said, { call, form, token, subject, secret })
    slot.spoken.add(said, form, token, reply)
    return reply
  }
  const aws = await startRawAws({
    toToken: (audience) => ({ answer: SOUND_STS, token: issuer.issue(SOUND_STS, audience) }),
    toSession: () => SOUND_SESSION['web identity'],
  })
  const endpoint = await startRawServer(answer, await authority.issue([ENDPOINT_HOST, ...GOOGLE_HOSTS]))
  const partner = await startUpstream(
    (request, response) => {
      const wrong = objection(request)
      if (wrong !== undefined) wrongs.push(`${String(request.headers.host)} got ${wrong}`)
      response.end()
    },
    await authority.issue([`*.${SUFFIX}`]),
  )
  const objection = ({ headers, headersDistinct }: IncomingMessage): string | undefined => {
    const slot = slots[Number(/^h(\d+)\./.exec(headers.host ?? '')?.[1])]
    const token = slot && credentialOf(slot.exchange, headersDistinct)
    if (token === undefined) return `no credential in its form: ${JSON.stringify(headersDistinct).slice(0, 500)}`
    // A header nobody sent: something in the token ended the line.
    if ('x-injected' in headers) return 'a field that nobody sent'
    return slot?.spoken.objectionTo(token, Number(headers[STARTED]))
  }
  const write = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  const secretFile = write('secret', `${SECRET}\n`)
  const base = `https://${ENDPOINT_HOST}:${endpoint.port}`
  const routes = cases.map(({ exchange }, number) => ({
    hosts: [`h${number}.${SUFFIX}:${partner.port}`],
    audience: [`urn:slot${number}`],
    exchange: EXCHANGES[exchange]({ number, base, tokenUrl: `${base}/slot${number}/token`, secretFile }),
  }))
  const process = startProxyProcess({
    NODE_OPTIONS,
    LOG_LEVEL: 'debug',
    ROUTES: JSON.stringify(routes),
    EXPECTED_ROLE_ARN: ROLE,
    UPSTREAM_CA_FILE: write('ca.crt', authority.ca),
    ALLOW_LOCAL_UPSTREAMS: 'true',
    AWS_REGION: 'eu-central-1',
    AWS_ENDPOINT_URL_STS: aws.url,
    AWS_ROLE_ARN: ROLE,
    AWS_WEB_IDENTITY_TOKEN_FILE: write('token', 'a-service-account-token'),
    AWS_EC2_METADATA_DISABLED: 'true',
    RESOLVE_HOSTS: [`*.${SUFFIX}`, ...GOOGLE_HOSTS].map((name) => `${name}=127.0.0.1`).join(','),
    REDIRECT_PORTS: GOOGLE_HOSTS.map((name) => `${name}=${endpoint.port}`).join(','),
  })
  const { proxy } = await portsOf(process)
  return {
    proxyPort: proxy,
    urlOf: (slot) => `http://h${slot}.${SUFFIX}:${partner.port}/`,
    recover: () => slots.forEach(({ planned }) => planned.splice(0)),
    lapseMs: (slot) => slots[slot]?.spoken.lapseMs(),
    wrongs,
    output: () => process.output(),
    peakBytes: () =>
      Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${process.pid}/status`, 'utf8'))?.[1]) * 1024,
    takenBytes: endpoint.takenBytes,
    close: async () => {
      process.signal('SIGKILL')
      await process.exited
      await Promise.all([partner.close(), endpoint.close(), aws.close()])
      rmSync(directory, { recursive: true })
    },
  }
}

const bearerOf = ({ head }: RawCall): string => /\r\nauthorization: Bearer ([^\r]+)/i.exec(head)?.[1] ?? ''

function audienceOf(token: string): unknown {
  const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  return claims === '' ? undefined : (JSON.parse(claims) as { readonly aud: unknown }).aud
}
