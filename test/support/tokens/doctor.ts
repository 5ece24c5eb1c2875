import type { DoctorDeps } from '../../../proxy/src/doctor/doctor.ts'
import { createDoctor } from '../../../proxy/src/doctor/doctor.ts'
import type { Report } from '../../../proxy/src/doctor/report.ts'
import { createSystemClock } from '../../../proxy/src/tokens/time.ts'
import { ROLE } from './jwt.ts'

export const IDENTITY = 'arn:aws:sts::123456789012:assumed-role/orders/shop.orders'

/** What doctor sees of a healthy pod without routes. */
export function healthyPod(): DoctorDeps {
  return {
    environment: { AWS_REGION: 'eu-central-1', AWS_ROLE_ARN: ROLE, AWS_WEB_IDENTITY_TOKEN_FILE: '/token' },
    routes: [],
    requests: [],
    expectedRoleArn: undefined,
    aws: {
      session: () => Promise.resolve({ endsWallMs: Date.now() + 3_600_000 }),
      callerIdentity: () => Promise.resolve(IDENTITY),
      clockSkewMs: () => undefined,
    },
    tokens: { renew: () => Promise.reject(new Error('no token was expected')) },
    clock: createSystemClock(),
    connection: () => undefined,
    use: { calls: { counts: () => new Map() }, startedMs: 0, clock: createSystemClock() },
    clientCertificates: new Map(),
  }
}

/** Examines a pod that differs from a healthy one in what the test is about. */
export function examine(differences: Partial<DoctorDeps> = {}): Promise<Report> {
  return createDoctor({ ...healthyPod(), ...differences }).examine()
}

/** @returns the verdicts by check, with its subject where a check has several. */
export function verdicts({ findings }: Report): Record<string, string> {
  return Object.fromEntries(
    findings.map(({ id, subject, verdict }) => [subject === undefined ? id : `${id} ${subject}`, verdict]),
  )
}
