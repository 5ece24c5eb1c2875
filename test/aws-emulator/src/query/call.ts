import type { Incoming } from '../http/incoming.ts'
import type { Sessions } from '../sts/sessions.ts'

/** What a Query API request asks for, before anything of it is verified; for faults and the record of calls. */
export interface QueryCall {
  readonly operation: string
  readonly audiences: readonly string[]
  readonly durationSeconds: string | null
  readonly roleArn: string | null
  readonly sessionName: string | null
}

export function describeCall({ headers, body }: Pick<Incoming, 'headers' | 'body'>, sessions: Sessions): QueryCall {
  const parameters = new URLSearchParams(body)
  const accessKeyId = /Credential=([A-Z0-9]+)\//.exec(headers.authorization ?? '')?.[1] ?? ''
  const session = sessions.find(accessKeyId)
  return {
    operation: parameters.get('Action') ?? '',
    audiences: [...parameters].filter(([name]) => name.startsWith('Audience.')).map(([, value]) => value),
    durationSeconds: parameters.get('DurationSeconds'),
    roleArn: parameters.get('RoleArn') ?? session?.roleArn ?? null,
    sessionName: parameters.get('RoleSessionName') ?? session?.name ?? null,
  }
}
