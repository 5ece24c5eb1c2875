import { expect } from 'chai'
import { eventually } from './eventually.ts'
import { diagnosis, kubectl } from './kubectl.ts'
import { ROLE_ARN } from './names.ts'

/** What the application printed of one call. */
export interface Answer {
  readonly url: string
  readonly status: number
  readonly body: string
}

export interface LogSource {
  readonly namespace: string
  /** As kubectl names it: `pod/x`, `job/x`, `deployment/x`. */
  readonly workload: string
  readonly container?: string
}

const LIMIT_MS = 60_000

/** Every answer that a container has printed so far. */
export async function answers({
  namespace,
  workload,
  container = 'application',
}: LogSource): Promise<readonly Answer[]> {
  const log = await kubectl('logs', '-n', namespace, workload, '-c', container).catch(() => '')
  return log
    .split('\n')
    .filter((line) => line.includes('"answer"'))
    .map((line) => JSON.parse(line) as Answer)
}

/** Waits for the first so many answers of a container. @throws with the namespace's events and logs. */
export async function firstAnswers(source: LogSource, count = 1): Promise<readonly Answer[]> {
  let found: readonly Answer[] = []
  const enough = async (): Promise<boolean> => {
    found = await answers(source)
    return found.length >= count
  }
  await eventually(`${count} answers of ${source.workload}`, enough, LIMIT_MS).catch(async (cause: unknown) => {
    throw new Error(`${String(cause)}\n${await diagnosis(source.namespace)}`, { cause })
  })
  return found
}

/** Every line that a stock client has printed so far: `status …` or `error …`. */
export async function lines({ namespace, workload, container = 'application' }: LogSource): Promise<readonly string[]> {
  const log = await kubectl('logs', '-n', namespace, workload, '-c', container).catch(() => '')
  return log.split('\n').filter((line) => /^(?:status|error) /.test(line))
}

/** Waits until a stock client has printed such a line. @throws with the namespace's events and logs. */
export async function printed(source: LogSource, line: RegExp): Promise<void> {
  const isThere = async (): Promise<boolean> => (await lines(source)).some((one) => line.test(one))
  await eventually(`${String(line)} of ${source.workload}`, isThere, LIMIT_MS).catch(async (cause: unknown) => {
    throw new Error(`${String(cause)}\n${await diagnosis(source.namespace)}`, { cause })
  })
}

export interface Expected {
  readonly subject?: string
  readonly audience?: string
}

/** Checks that the partner verified the token of a call, and whose and for whom it was. */
export function expectVerified({ status, body }: Answer, expected: Expected = {}): void {
  const { subject = ROLE_ARN, audience = 'https://api.partner.example' } = expected
  expect(status, body).to.equal(200)
  const { verified, claims } = JSON.parse(body) as { verified: boolean; claims: Record<string, unknown> }
  expect(verified).to.equal(true)
  expect(claims).to.include({ sub: subject, aud: audience })
}
