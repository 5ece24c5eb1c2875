import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { expect } from 'chai'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { after, before, describe, it } from 'mocha'
import type { Emulator } from '../src/index.ts'
import { createEmulator } from '../src/index.ts'
import { AUDIENCE, REGION, ROLE, assumedRole, mint, refusal } from './support/client.ts'

let emulator: Emulator
/** A whole second, so that the ends of sessions are hit exactly. */
let now = Math.floor(Date.now() / 1000) * 1000

const client = (token?: string, systemClockOffset = 0): Promise<STSClient> =>
  assumedRole(emulator, { ...(token !== undefined && { token }), systemClockOffset })

/** Runs something when the emulator's clock is later by so many milliseconds; afterwards everything is as before. */
async function later(milliseconds: number, run: () => Promise<void>): Promise<void> {
  now += milliseconds
  try {
    await run()
  } finally {
    now -= milliseconds
    emulator.setFederation(true)
  }
}

describe('AWS emulator', () => {
  before(async () => {
    emulator = await createEmulator({
      region: REGION,
      accountId: '123456789012',
      roles: [
        {
          arn: ROLE,
          policies: {
            identity: {
              Statement: {
                Effect: 'Allow',
                Action: 'sts:*',
                Condition: { NumericLessThanEquals: { 'sts:DurationSeconds': 3000 } },
              },
            },
          },
        },
      ],
      now: () => now,
    })
  })
  after(async () => {
    await emulator.close()
  })

  for (const algorithm of ['RS256', 'ES384'] as const) {
    it(`mints an ${algorithm} token that verifies against the issuer it names`, async () => {
      const sts = await client()
      const { WebIdentityToken = '', Expiration } = await sts.send(mint({ SigningAlgorithm: algorithm }))
      const discovery = (await (await fetch(`${emulator.issuer}/.well-known/openid-configuration`)).json()) as Record<
        string,
        string
      >
      const keys = createRemoteJWKSet(new URL(discovery['jwks_uri'] ?? ''))
      const { payload, protectedHeader } = await jwtVerify(WebIdentityToken, keys, {
        issuer: discovery['issuer'] ?? '',
        audience: AUDIENCE,
      })
      expect(protectedHeader).to.deep.equal({
        kid: algorithm === 'RS256' ? 'RSA_0' : 'EC384_0',
        typ: 'JWT',
        alg: algorithm,
      })
      expect(payload).to.include({ sub: ROLE, aud: AUDIENCE })
      expect(payload).not.to.have.any.keys('nbf', 'scope', 'azp')
      expect((payload.exp ?? 0) - (payload.iat ?? 0)).to.equal(900)
      expect(Expiration?.getTime()).to.equal(now + 900_000)
      const provider = `arn:aws:iam::123456789012:oidc-provider/${emulator.url.replace('http://', '')}/_cluster`
      expect(payload['https://sts.amazonaws.com/']).to.include({
        aws_account: '123456789012',
        source_region: REGION,
        federated_provider: provider,
      })
    })
  }

  it('keeps several audiences as a list, in order, and puts tags into request_tags', async () => {
    const sts = await client()
    const { WebIdentityToken = '' } = await sts.send(
      mint({ Audience: ['b', 'a', 'b'], Tags: [{ Key: 'team', Value: 'x y' }] }),
    )
    const payload = JSON.parse(Buffer.from(WebIdentityToken.split('.')[1] ?? '', 'base64url').toString()) as Record<
      string,
      unknown
    >
    expect(payload['aud']).to.deep.equal(['b', 'a', 'b'])
    expect(payload['https://sts.amazonaws.com/']).to.deep.include({ request_tags: { team: 'x y' } })
  })

  it('knows who calls', async () => {
    const identity = await (await client()).send(new GetCallerIdentityCommand({}))
    expect(identity.Arn).to.equal('arn:aws:sts::123456789012:assumed-role/orders/shop.orders')
  })

  describe('refuses, in the words of AWS,', () => {
    const cases: Readonly<Record<string, [object, string]>> = {
      'a duration of 59 s': [{ DurationSeconds: 59 }, 'ValidationError'],
      'a duration of 3601 s': [{ DurationSeconds: 3601 }, 'ValidationError'],
      'no audience': [{ Audience: [] }, 'ValidationError'],
      'eleven audiences': [{ Audience: Array(11).fill('a') }, 'ValidationError'],
      'an audience of 1001 characters': [{ Audience: ['a'.repeat(1001)] }, 'ValidationError'],
      'an unknown algorithm': [
        { SigningAlgorithm: 'HS256' },
        'ValidationError: Requested SigningAlgorithm is not supported',
      ],
      'tags that differ in case only': [
        {
          Tags: [
            { Key: 'a', Value: '1' },
            { Key: 'A', Value: '2' },
          ],
        },
        'InvalidParameterValue',
      ],
      'more than the policy allows': [
        { DurationSeconds: 3001 },
        'AccessDenied: User: arn:aws:sts::123456789012:assumed-role/orders/shop.orders is not authorized to perform: sts:GetWebIdentityToken',
      ],
      'claims over 14,984 bytes': [
        { Tags: Array.from({ length: 50 }, (_, n) => ({ Key: `${n}${'k'.repeat(120)}`, Value: 'v'.repeat(256) })) },
        'JWTPayloadSizeExceededException',
      ],
    }
    for (const [what, [fields, expected]] of Object.entries(cases)) {
      it(what, async () => {
        const sts = await client()
        expect(await refusal(() => sts.send(mint(fields)))).to.contain(expected)
      })
    }

    it('a token that would outlive its session, even when federation is off', async () => {
      const elapsed = (3600 - 900) * 1000
      const sts = await client(undefined, elapsed)
      emulator.setFederation(false)
      await later(elapsed, async () => {
        expect(await refusal(() => sts.send(mint()))).to.contain('SessionDurationEscalationException')
        expect(await refusal(() => sts.send(mint({ DurationSeconds: 890 })))).to.contain(
          'OutboundWebIdentityFederationDisabled',
        )
      })
    })

    it('a signature made with another key', async () => {
      const good = await client()
      const credentials = await good.config.credentials()
      const forged = new STSClient({
        region: REGION,
        endpoint: emulator.stsUrl,
        maxAttempts: 1,
        credentials: { ...credentials, secretAccessKey: 'wrong' },
      })
      expect(await refusal(() => forged.send(mint()))).to.contain('SignatureDoesNotMatch')
    })

    it('credentials of nobody, of another region, and of an ended session', async () => {
      const sts = await client()
      const credentials = await sts.config.credentials()
      const variant = (fields: object): STSClient =>
        new STSClient({ region: REGION, endpoint: emulator.stsUrl, maxAttempts: 1, credentials, ...fields })
      expect(
        await refusal(() => variant({ credentials: { ...credentials, accessKeyId: 'ASIAUNKNOWN' } }).send(mint())),
      ).to.contain('InvalidClientTokenId')
      expect(await refusal(() => variant({ region: 'us-east-1' }).send(mint()))).to.contain('SignatureDoesNotMatch')
      const late = variant({ systemClockOffset: 3600 * 1000 })
      await later(3600 * 1000, async () => {
        expect(await refusal(() => late.send(mint()))).to.contain('ExpiredToken')
      })
    })

    it('a body that was changed after it was signed', async () => {
      const sts = await client()
      sts.middlewareStack.add(
        (next) => (args) => {
          const request = args.request as { body: string }
          request.body = request.body.replace('DurationSeconds=900', 'DurationSeconds=901')
          return next(args)
        },
        { step: 'finalizeRequest', priority: 'low' },
      )
      expect(await refusal(() => sts.send(mint()))).to.contain('SignatureDoesNotMatch')
    })

    const tokens: Readonly<Record<string, [() => Promise<string>, string]>> = {
      'a service account token for another audience': [
        () => emulator.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders', audience: 'vault' }),
        'InvalidIdentityTokenException: Incorrect token audience',
      ],
      'a service account token that expired six minutes ago': [
        () => emulator.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders', expiresInSeconds: -360 }),
        'ExpiredTokenException',
      ],
      'a service account token with a broken signature': [
        async () =>
          (await emulator.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders' })).replace(
            /.{8}$/,
            'AAAAAAAA',
          ),
        'InvalidIdentityToken',
      ],
      'text that is no token': [() => Promise.resolve('nonsense'), 'InvalidIdentityToken'],
      'a token of its own outbound issuer': [
        async () => (await (await client()).send(mint({ Audience: ['sts.amazonaws.com'] }))).WebIdentityToken ?? '',
        'InvalidIdentityTokenException: No OpenIDConnect provider found in your account for',
      ],
    }
    for (const [what, [token, expected]] of Object.entries(tokens)) {
      it(what, async () => {
        const text = await token()
        expect(await refusal(() => client(text))).to.contain(expected)
      })
    }
  })

  it('records calls, and no secret of theirs', async () => {
    const { WebIdentityToken = '' } = await (await client()).send(mint())
    const calls = await (await fetch(`${emulator.url}/_admin/calls`)).text()
    expect(calls).to.contain('AssumeRoleWithWebIdentity').and.to.contain(AUDIENCE)
    expect(calls).not.to.contain('eyJ').and.not.to.contain(WebIdentityToken.slice(-20))
  })

  it('names its paths to who gets lost', async () => {
    const response = await fetch(`${emulator.url}/nowhere`)
    expect(response.status).to.equal(404)
    expect(await response.text()).to.contain('/_admin/calls')
  })
})
