import { randomBytes } from 'node:crypto'
import type { RoleOptions } from '../options.ts'

/** An assumed role. */
export interface Session {
  readonly role: RoleOptions
  readonly name: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  /** Milliseconds; a whole second, as AWS answers it. */
  readonly expiresAt: number
  /** ARN of the OIDC provider that vouched for it. */
  readonly provider: string
}

export interface Sessions {
  start(session: Pick<Session, 'role' | 'name' | 'provider' | 'expiresAt'>): Session
  find(accessKeyId: string): Session | undefined
}

export function createSessions(): Sessions {
  const sessions = new Map<string, Session>()
  return {
    start: (given) => {
      const session: Session = {
        ...given,
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
