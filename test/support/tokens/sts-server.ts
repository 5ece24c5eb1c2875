import { once } from 'node:events'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One call of the STS Query API, as it arrived. */
export interface StsCall {
  readonly action: string
  /** The first audience of GetWebIdentityToken, or the name of the session of AssumeRoleWithWebIdentity: tests tell calls apart by it. */
  readonly subject: string
  readonly parameters: URLSearchParams
  readonly authorization: string
}

/** Answers a call; what it writes goes out as it is. */
export type StsAnswer = (response: ServerResponse, call: StsCall) => void

export interface StsServer {
  readonly url: string
  readonly calls: readonly StsCall[]
  /** Decides about every call. */
  answer: StsAnswer
  close(): Promise<void>
}

/** An STS, or a Pod Identity agent, over plain HTTP that can answer anything, well-formed or not. For what AWS does, see the emulator. */
export async function startStsServer(answer: StsAnswer): Promise<StsServer> {
  const calls: StsCall[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const parameters = new URLSearchParams(Buffer.concat(chunks).toString())
      const subject = parameters.get('Audience.member.1') ?? parameters.get('RoleSessionName') ?? ''
      const { authorization = '' } = request.headers
      const call = { action: parameters.get('Action') ?? '', subject, parameters, authorization }
      calls.push(call)
      running.answer(response, call)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const running: StsServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    answer,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return running
}

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** What no output of ours may ever contain. */
export const SECRETS = {
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY0',
  sessionToken: `FwoGZXIvYXdzE${'aB3'.repeat(60)}==`,
  serviceAccountToken: `eyJhbGciOiJSUzI1NiJ9.${'eyJzdWIiOiJ4In0'.repeat(4)}.c2lnbmF0dXJl`,
} as const

export const ok =
  (body: string): StsAnswer =>
  (response) =>
    response.writeHead(200, { 'content-type': 'text/xml' }).end(body)

/** An error of STS. */
export const refuse =
  (status: number, code: string, message = 'in the words of AWS'): StsAnswer =>
  (response) =>
    response
      .writeHead(status, { 'content-type': 'text/xml' })
      .end(
        `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>` +
          '<RequestId>a-request</RequestId></ErrorResponse>',
      )

/** A session that lasts so long from now. */
export const session =
  (seconds = 3_600): StsAnswer =>
  (response, call) =>
    ok(
      `<AssumeRoleWithWebIdentityResponse xmlns="${NAMESPACE}"><AssumeRoleWithWebIdentityResult><Credentials>` +
        `<AccessKeyId>ASIAEXAMPLEEXAMPLE00</AccessKeyId><SecretAccessKey>${SECRETS.secretAccessKey}</SecretAccessKey>` +
        `<SessionToken>${SECRETS.sessionToken}</SessionToken>` +
        `<Expiration>${new Date(Date.now() + seconds * 1000).toISOString()}</Expiration></Credentials>` +
        '</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>',
    )(response, call)

/** A token; without an expiration the element is left out. */
export const token = (jwt: string, expiration?: Date): StsAnswer =>
  ok(
    `<GetWebIdentityTokenResponse xmlns="${NAMESPACE}"><GetWebIdentityTokenResult><WebIdentityToken>${jwt}</WebIdentityToken>` +
      `${expiration ? `<Expiration>${expiration.toISOString()}</Expiration>` : ''}</GetWebIdentityTokenResult></GetWebIdentityTokenResponse>`,
  )
