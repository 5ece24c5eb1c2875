import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import type { Emulator, PolicyDocument } from '../src/index.ts'
import { createEmulator } from '../src/index.ts'
import { ACCOUNT, REGION, ROLE, assumedRole, mint, refusal } from './support/client.ts'

describe('roles', () => {
  let emulator: Emulator

  before(async () => {
    emulator = await createEmulator({ region: REGION, accountId: ACCOUNT, roles: [{ arn: ROLE }] })
  })
  afterEach(() => {
    emulator.reset()
  })
  after(async () => {
    await emulator.close()
  })

  const provider = (): string => `${emulator.url.replace('http://', '')}/_cluster`
  const trustOf = (condition: PolicyDocument['Statement']): PolicyDocument => ({ Statement: condition })
  const tokenOf = (serviceAccount: string): Promise<string> =>
    emulator.mintServiceAccountToken({ namespace: 'shop', serviceAccount })

  it('are assumed by the subjects that their trust policy names', async () => {
    const federated = { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/${provider()}` }
    emulator.setRoles([
      {
        arn: ROLE,
        trust: trustOf({
          Effect: 'Allow',
          Action: 'sts:AssumeRoleWithWebIdentity',
          Principal: federated,
          Condition: {
            StringLike: { [`${provider()}:sub`]: 'system:serviceaccount:shop:ord*' },
            StringEquals: { [`${provider()}:aud`]: 'sts.amazonaws.com' },
          },
        }),
      },
    ])
    await assumedRole(emulator)
    expect(await refusal(async () => assumedRole(emulator, { token: await tokenOf('billing') }))).to.contain(
      'AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity (403)',
    )
  })

  it('are not assumed through a provider that their trust policy does not name', async () => {
    const other = { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/other.example` }
    const Action = 'sts:AssumeRoleWithWebIdentity'
    emulator.setRoles([{ arn: ROLE, trust: trustOf({ Effect: 'Allow', Action, Principal: other }) }])
    expect(await refusal(() => assumedRole(emulator))).to.contain('AccessDenied')
  })

  it('are not found: no permission, as AWS says it', async () => {
    const roleArn = 'arn:aws:iam::123456789012:role/nobody'
    expect(await refusal(() => assumedRole(emulator, { roleArn }))).to.contain('AccessDenied: Not authorized')
  })

  it('lose their sessions when they are removed', async () => {
    const sts = await assumedRole(emulator)
    emulator.setRoles([])
    expect(await refusal(() => sts.send(mint()))).to.contain('InvalidClientTokenId')
  })

  it('apply a changed policy to sessions that exist', async () => {
    const sts = await assumedRole(emulator)
    const deny: PolicyDocument = { Statement: { Effect: 'Deny', Action: 'sts:*' } }
    emulator.setRoles([{ arn: ROLE, policies: { serviceControl: deny } }])
    expect(await refusal(() => sts.send(mint()))).to.contain('with an explicit deny in a service control policy')
  })

  it('hold a session as long as asked, up to their maximum', async () => {
    emulator.setRoles([{ arn: ROLE, maxSessionSeconds: 7200 }])
    const body = async (seconds: number): Promise<string> => {
      const response = await fetch(emulator.url, {
        method: 'POST',
        body: new URLSearchParams({
          Action: 'AssumeRoleWithWebIdentity',
          Version: '2011-06-15',
          RoleArn: ROLE,
          RoleSessionName: 'a.b',
          DurationSeconds: String(seconds),
          WebIdentityToken: await tokenOf('orders'),
        }),
      })
      return response.text()
    }
    const text = await body(7200)
    const expiration = /<Expiration>(.*?)<\/Expiration>/.exec(text)?.[1] ?? ''
    expect(expiration).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(Date.parse(expiration)).to.be.closeTo(Date.now() + 7_200_000, 2_000)
    expect(await body(7201)).to.contain('exceeds the MaxSessionDuration')
    expect(await body(899)).to.contain('greater than or equal to 900')
    expect(await body(43_201)).to.contain('less than or equal to 43200')
  })

  const conditions = (Condition: object): PolicyDocument =>
    ({
      Statement: { Effect: 'Allow', Action: ['sts:GetWebIdentityToken', 'sts:TagGetWebIdentityToken'], Condition },
    }) as PolicyDocument
  const ALLOWED = 'https://api.example.com'

  describe('with the policy that AWS shows as a sample', () => {
    it('let a caller mix the allowed audience with any other', async () => {
      const policy = conditions({ 'ForAnyValue:StringEquals': { 'sts:IdentityTokenAudience': ALLOWED } })
      emulator.setRoles([{ arn: ROLE, policies: { identity: policy } }])
      const sts = await assumedRole(emulator)
      await sts.send(mint({ Audience: [ALLOWED, 'https://evil.example'] }))
      expect(await refusal(() => sts.send(mint({ Audience: ['https://evil.example'] })))).to.contain('AccessDenied')
    })
  })

  describe('with the policy that the docs recommend', () => {
    const recommended = conditions({
      'ForAllValues:StringEquals': { 'sts:IdentityTokenAudience': [ALLOWED] },
      Null: { 'sts:IdentityTokenAudience': 'false' },
      NumericLessThanEquals: { 'sts:DurationSeconds': 900 },
      StringEquals: { 'sts:SigningAlgorithm': 'RS256' },
    })
    const cases: Readonly<Record<string, [Parameters<typeof mint>[0], boolean]>> = {
      'the allowed audience': [{}, true],
      'the allowed audience beside another': [{ Audience: [ALLOWED, 'https://evil.example'] }, false],
      'another duration': [{ DurationSeconds: 901 }, false],
      'another algorithm': [{ SigningAlgorithm: 'ES384' }, false],
    }
    for (const [what, [fields, allowed]] of Object.entries(cases)) {
      it(`${allowed ? 'grant' : 'refuse'} ${what}`, async () => {
        emulator.setRoles([{ arn: ROLE, policies: { identity: recommended } }])
        const sts = await assumedRole(emulator)
        const send = (): Promise<unknown> => sts.send(mint({ Audience: [ALLOWED], ...fields }))
        if (allowed) await send()
        else expect(await refusal(send)).to.contain('AccessDenied')
      })
    }
  })

  it('see the tags of request and role in conditions', async () => {
    const policy = conditions({
      'ForAllValues:StringEquals': { 'aws:TagKeys': ['team', 'stage'] },
      StringEquals: { 'aws:RequestTag/team': 'orders', 'aws:PrincipalTag/stage': 'test' },
    })
    emulator.setRoles([{ arn: ROLE, tags: { stage: 'test' }, policies: { identity: policy } }])
    const sts = await assumedRole(emulator)
    const tagged = (tags: Readonly<Record<string, string>>): Promise<unknown> =>
      sts.send(mint({ Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }))
    await tagged({ team: 'orders' })
    expect(await refusal(() => tagged({ team: 'billing' }))).to.contain('AccessDenied')
    expect(await refusal(() => tagged({ team: 'orders', other: 'x' }))).to.contain('AccessDenied')
    expect(await refusal(() => tagged({}))).to.contain('AccessDenied')
  })

  const refused: Readonly<Record<string, [unknown, string]>> = {
    'of another account': [
      [{ arn: 'arn:aws:iam::999999999999:role/a' }],
      'expected the ARN of a role of account 123456789012',
    ],
    'with an unknown kind of policy': [[{ arn: ROLE, policies: { inline: {} } }], 'roles[0].policies.inline'],
    'with an unknown operator': [
      [
        {
          arn: ROLE,
          policies: { identity: { Statement: [{ Effect: 'Allow', Action: '*', Condition: { IpAddress: {} } }] } },
        },
      ],
      'roles[0].policies.identity.Statement[0].Condition.IpAddress: got "IpAddress", expected one of StringEquals',
    ],
    'with a policy variable': [
      [{ arn: ROLE, trust: { Statement: { Effect: 'Allow', Action: '*', Resource: '${aws:username}' } } }],
      'roles[0].trust.Statement.Resource',
    ],
    'with an effect in lower case': [
      [{ arn: ROLE, policies: { identity: { Statement: { Effect: 'allow', Action: '*' } } } }],
      'Statement.Effect: got "allow", expected "Allow" or "Deny"',
    ],
    'with a statement of a form that is not emulated': [
      [{ arn: ROLE, policies: { identity: { Statement: { Effect: 'Allow', NotAction: 's3:*' } } } }],
      'Statement.NotAction',
    ],
  }
  for (const [what, [roles, expected]] of Object.entries(refused)) {
    it(`are refused ${what}`, async () => {
      const response = await fetch(`${emulator.url}/_admin/roles`, { method: 'PUT', body: JSON.stringify(roles) })
      expect(response.status).to.equal(400)
      expect(((await response.json()) as { error: string }).error).to.contain(expected)
    })
  }
})
