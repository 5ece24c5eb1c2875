import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Problem } from '../../proxy/src/contract.ts'
import { evaluate } from '../aws-emulator/src/iam/evaluate.ts'
import { checkPolicy } from '../aws-emulator/src/iam/parse-policy.ts'
import type { PolicyDocument, PolicyRequest, Statement } from '../aws-emulator/src/iam/policy.ts'

const text = readFileSync('docs/iam.md', 'utf8')
/** Every JSON block of the page, in its order; a statement alone stands for a policy of one. */
const [permission, tags, organization, irsa, podIdentity] = [...text.matchAll(/```json\n([\s\S]*?)```/g)].map(
  ([, json]) => {
    const value = JSON.parse(json ?? '') as PolicyDocument | Statement
    return 'Statement' in value ? value : { Statement: value }
  },
) as [PolicyDocument, PolicyDocument, PolicyDocument, PolicyDocument, PolicyDocument]

const PARTNER = 'https://api.partner.example'

interface Token {
  readonly audiences?: readonly string[]
  readonly seconds?: number
  readonly algorithm?: string
}

const minting = ({ audiences = [PARTNER], seconds = 900, algorithm = 'RS256' }: Token): PolicyRequest => ({
  action: 'sts:GetWebIdentityToken',
  resource: 'arn:aws:sts::123456789012:self',
  context: {
    ...(audiences.length > 0 && { 'sts:IdentityTokenAudience': audiences }),
    'sts:DurationSeconds': [String(seconds)],
    'sts:SigningAlgorithm': [algorithm],
  },
})

const tagging = (request: Readonly<Record<string, string>>): PolicyRequest => ({
  action: 'sts:TagGetWebIdentityToken',
  resource: 'arn:aws:sts::123456789012:self',
  context: {
    'aws:TagKeys': Object.keys(request),
    ...Object.fromEntries(Object.entries(request).map(([key, value]) => [`aws:RequestTag/${key}`, [value]])),
  },
})

const assuming = (claims: Readonly<Record<string, string>>): PolicyRequest => ({
  action: 'sts:AssumeRoleWithWebIdentity',
  resource: 'arn:aws:iam::123456789012:role/orders',
  principal: ['Federated', 'arn:aws:iam::123456789012:oidc-provider/$OIDC'],
  context: Object.fromEntries(Object.entries(claims).map(([claim, value]) => [`$OIDC:${claim}`, [value]])),
})

const OWN = { aud: 'sts.amazonaws.com', sub: 'system:serviceaccount:shop:orders' }

describe('the policies of docs/iam.md', () => {
  it('are all in the grammar of IAM', () => {
    const problems: Problem[] = []
    for (const [index, policy] of [permission, tags, organization, irsa, podIdentity].entries())
      checkPolicy(policy, `policy ${index}`, (problem) => problems.push(problem))
    expect(problems).to.deep.equal([])
  })

  for (const [what, token, verdict] of [
    ['the partner’s token', {}, 'allow'],
    ['a shorter one', { seconds: 60 }, 'allow'],
    ['another audience', { audiences: ['https://evil.example'] }, 'implicit-deny'],
    ['another audience beside the partner’s', { audiences: [PARTNER, 'https://evil.example'] }, 'implicit-deny'],
    ['no audience at all', { audiences: [] }, 'implicit-deny'],
    ['a longer one', { seconds: 901 }, 'implicit-deny'],
    ['another signature', { algorithm: 'ES384' }, 'implicit-deny'],
  ] as const)
    it(`permission: ${verdict} for ${what}`, () => {
      expect(evaluate(permission, minting(token))).to.equal(verdict)
    })

  for (const [what, request, verdict] of [
    ['the tag', { team: 'orders' }, 'allow'],
    ['another value', { team: 'admin' }, 'implicit-deny'],
    ['another tag beside it', { team: 'orders', admin: 'true' }, 'implicit-deny'],
  ] as const)
    it(`tags: ${verdict} for ${what}`, () => expect(evaluate(tags, tagging(request))).to.equal(verdict))

  for (const [what, audiences, verdict] of [
    ['the partner', [PARTNER], 'implicit-deny'],
    ['a stranger', ['https://evil.example'], 'explicit-deny'],
    ['a stranger beside the partner', [PARTNER, 'https://evil.example'], 'explicit-deny'],
  ] as const)
    it(`organization: ${verdict} for ${what}`, () => {
      expect(evaluate(organization, minting({ audiences }))).to.equal(verdict)
    })

  for (const [what, claims, verdict] of [
    ['the service account', OWN, 'allow'],
    ['another service account', { ...OWN, sub: 'system:serviceaccount:shop:cache' }, 'implicit-deny'],
    ['the same name in another namespace', { ...OWN, sub: 'system:serviceaccount:other:orders' }, 'implicit-deny'],
    ['a token for somebody else', { ...OWN, aud: 'vault' }, 'implicit-deny'],
  ] as const)
    it(`trust: ${verdict} for ${what}`, () => expect(evaluate(irsa, assuming(claims))).to.equal(verdict))

  it('trust: allow for the Pod Identity service', () => {
    const request = { action: 'sts:AssumeRole', resource: '*', context: {} }
    expect(evaluate(podIdentity, { ...request, principal: ['Service', 'pods.eks.amazonaws.com'] })).to.equal('allow')
    expect(evaluate(podIdentity, { ...request, principal: ['Service', 'ec2.amazonaws.com'] })).to.equal('implicit-deny')
  })

  it('are those of the quick start', () => {
    const quick = readFileSync('docs/quick-start.md', 'utf8')
      .replaceAll('${AUDIENCE}', PARTNER)
      .replaceAll('${ACCOUNT}', '123456789012')
      .replaceAll('${OIDC}', '$OIDC')
    const [mine, trust] = [...quick.matchAll(/<<EOF\n(\{[\s\S]*?)\nEOF/g)].map(
      ([, json]) => JSON.parse(json ?? '') as { Statement: Statement[] },
    )
    const withoutName = (statement: Statement): object => ({ ...statement, Sid: undefined })
    expect(mine?.Statement.map(withoutName)).to.deep.equal((permission.Statement as Statement[]).map(withoutName))
    expect(trust?.Statement).to.deep.equal(irsa.Statement)
  })
})
