import { applyMutations } from '../bytes.ts'
import type { RawAnswer } from '../raw/answer.ts'
import { startRawServer, withLength } from '../raw/server.ts'
import { SESSION_TOKEN } from './sessions.ts'

/** AWS, and the agent of Pod Identity, at one address. */
export interface RawAws {
  readonly url: string
  close(): Promise<void>
}

export interface RawAwsDeps {
  /** @returns what is said to the next call for a token of this audience, and the token in it. */
  readonly toToken: (audience: string) => { readonly answer: RawAnswer; readonly token: string }
  /** @returns what is said to the next call for a session. */
  readonly toSession: () => RawAnswer
}

export async function startRawAws({ toToken, toSession }: RawAwsDeps): Promise<RawAws> {
  const { port, close } = await startRawServer(({ body }) => {
    const audience = new URLSearchParams(body).get('Audience.member.1')
    const { answer, token } = audience === null ? { answer: toSession(), token: SESSION_TOKEN } : toToken(audience)
    return { bytes: bytesOf(answer, token), pace: answer.pace }
  })
  return { url: `http://127.0.0.1:${port}`, close }
}

const LIFE_MS = 900_000

function bytesOf({ head, body, mutations }: RawAnswer, token: string): string {
  const from = (ms: number): string => new Date(Date.now() + ms).toISOString()
  const text = body
    .replaceAll('%TOKEN%', token)
    .replaceAll('%EXPIRATION%', from(LIFE_MS))
    .replace(/%IN (\d+) SECONDS%/, (_, seconds: string) => from(Number(seconds) * 1000))
  return applyMutations(withLength(head.replace('%DATE%', new Date().toUTCString()), text), mutations)
}
