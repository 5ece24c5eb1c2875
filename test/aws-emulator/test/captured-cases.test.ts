import { readFileSync } from 'node:fs'
import type { STSClient } from '@aws-sdk/client-sts'
import { expect } from 'chai'
import { decodeJwt } from 'jose'
import { after, describe, it } from 'mocha'
import type { Emulator, EmulatorOptions, PolicyDocument } from '../src/index.ts'
import { createEmulator } from '../src/index.ts'
import { ACCOUNT, AUDIENCE, REGION, ROLE, assumedRole, mint, refusal } from './support/client.ts'

/** One observed behaviour of AWS (captured on 2026-09-11), in our words. */
interface CapturedCase {
  readonly name: string
  readonly given?: {
    readonly region?: string
    readonly federationEnabled?: boolean
    readonly policies?: Readonly<Record<string, PolicyDocument>>
    readonly tags?: Readonly<Record<string, string>>
    readonly organization?: EmulatorOptions['organization']
  }
  /** What differs from a request for 300 s with RS256; null leaves a parameter out. */
  readonly request?: {
    readonly Audience?: string[]
    readonly DurationSeconds?: number | null
    readonly SigningAlgorithm?: string
    readonly Tags?: Readonly<Record<string, string>>
  }
  readonly error?: { readonly code: string; readonly status: number; readonly message: string }
  /** Claims that the token has; `lifetime` is `exp` minus `iat`, what is not a registered claim is in AWS's own. */
  readonly claims?: Readonly<Record<string, unknown>>
}

const CASES = JSON.parse(
  readFileSync(new URL('captured-cases.json', import.meta.url), 'utf8'),
) as readonly CapturedCase[]

describe('the emulator answers as AWS was seen to', () => {
  const emulators = new Map<string, Emulator>()
  after(async () => {
    for (const emulator of emulators.values()) await emulator.close()
  })

  /** One emulator for all cases of a region and an organization. */
  async function emulatorFor({ region = REGION, organization }: NonNullable<CapturedCase['given']>): Promise<Emulator> {
    const key = JSON.stringify([region, organization])
    const emulator =
      emulators.get(key) ??
      (await createEmulator({ region, accountId: ACCOUNT, roles: [], ...(organization && { organization }) }))
    emulators.set(key, emulator)
    return emulator
  }

  for (const { name, given = {}, request = {}, error, claims } of CASES) {
    it(name, async () => {
      const { federationEnabled = true, policies, tags } = given
      const emulator = await emulatorFor(given)
      emulator.setRoles([{ arn: ROLE, ...(policies && { policies }), ...(tags && { tags }) }])
      emulator.setFederation(federationEnabled)
      const send = sender(await assumedRole(emulator), request)
      if (error) expectRefusal(await refusal(send), error)
      else expectClaims(decodeJwt(await send()), claims ?? {}, emulator.issuer)
    })
  }
})

function sender(sts: STSClient, request: NonNullable<CapturedCase['request']>): () => Promise<string> {
  const { Tags, DurationSeconds = 300, Audience = [AUDIENCE], SigningAlgorithm = 'RS256' } = request
  const command = mint({
    Audience,
    SigningAlgorithm,
    DurationSeconds: DurationSeconds ?? undefined,
    ...(Tags && { Tags: Object.entries(Tags).map(([Key, Value]) => ({ Key, Value })) }),
  })
  return async () => (await sts.send(command)).WebIdentityToken ?? ''
}

function expectRefusal(actual: string, { code, status, message }: NonNullable<CapturedCase['error']>): void {
  expect(actual.startsWith(`${code}: `), actual).to.equal(true)
  expect(actual).to.contain(message).and.to.contain(`(${status})`)
}

function expectClaims(
  token: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>>,
  issuer: string,
): void {
  const nested = token['https://sts.amazonaws.com/'] as Readonly<Record<string, unknown>>
  const flat = { ...nested, ...token, lifetime: Number(token['exp']) - Number(token['iat']) }
  for (const [name, value] of Object.entries(claims)) expect(flat, name).to.have.deep.property(name, value)
  expect(token).to.have.all.keys('iss', 'sub', 'aud', 'iat', 'exp', 'jti', 'https://sts.amazonaws.com/')
  expect(token).to.include({ iss: issuer, sub: ROLE })
  expect(nested).to.include({ aws_account: ACCOUNT, source_region: REGION, principal_id: ROLE })
}
