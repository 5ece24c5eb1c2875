import { randomBytes } from 'node:crypto'

/** Who a session is for and how long. */
export interface SessionFacts {
  readonly roleArn: string
  readonly name: string
  /** Milliseconds; a whole second, as AWS answers it. */
  readonly expiresAt: number
  /** ARN of the OIDC provider that vouched for it. */
  readonly provider?: string
  readonly tags: Readonly<Record<string, string>>
}

/** An assumed role. */
export interface Session extends SessionFacts {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
}

export interface Sessions {
  start(facts: SessionFacts): Session
  find(accessKeyId: string): Session | undefined
}

export function createSessions(): Sessions {
  const sessions = new Map<string, Session>()
  return {
    start: (facts) => {
      const session: Session = {
        ...facts,
        accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
        secretAccessKey: randomBytes(30).toString('base64'),
        sessionToken: randomBytes(96).toString('base64'),
      }
      sessions.set(session.accessKeyId, session)
      return session
    },
    find: (accessKeyId) => sessions.get(accessKeyId),
  }
}

/** @returns the end of a session, a whole second, in milliseconds. */
export const sessionEnd = (nowMs: number, seconds: number): number => (Math.floor(nowMs / 1000) + seconds) * 1000

/** @returns a moment as AWS writes whole seconds. */
export const wholeSeconds = (milliseconds: number): string => new Date(milliseconds).toISOString().replace('.000Z', 'Z')
