import { expect } from 'chai'
import { describe, it } from 'mocha'
import { credentialSource, regionOf } from '../../../../../proxy/src/tokens/sources/aws/credentials.ts'
import type { Environment } from '../../../../../proxy/src/tokens/sources/aws/credentials.ts'

const IRSA = { AWS_ROLE_ARN: 'arn', AWS_WEB_IDENTITY_TOKEN_FILE: '/token' }

describe('where credentials come from', () => {
  const cases: readonly (readonly [Environment, string | undefined])[] = [
    [IRSA, 'IAM role for service account (IRSA)'],
    [{ AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/credentials' }, 'EKS Pod Identity'],
    [{ ...IRSA, AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://x' }, 'IAM role for service account (IRSA)'],
    [{ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2' }, 'container credentials'],
    [{ ...IRSA, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }, 'environment'],
    [{ AWS_PROFILE: 'p', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }, 'profile'],
    [{}, undefined],
    [{ AWS_ROLE_ARN: 'arn' }, undefined],
    [{ ...IRSA, AWS_WEB_IDENTITY_TOKEN_FILE: '' }, undefined],
    [{ AWS_ACCESS_KEY_ID: 'a' }, undefined],
  ]
  for (const [environment, source] of cases)
    it(`is ${source ?? 'nowhere'} with ${Object.keys(environment).join(', ') || 'no variable'}`, () => {
      expect(credentialSource(environment)).to.equal(source)
    })
})

describe('the region', () => {
  it('is AWS_REGION, then AWS_DEFAULT_REGION; an empty variable is not set', () => {
    expect(regionOf({ AWS_REGION: 'a', AWS_DEFAULT_REGION: 'b' })).to.deep.equal({ name: 'a', variable: 'AWS_REGION' })
    expect(regionOf({ AWS_REGION: '', AWS_DEFAULT_REGION: 'b' })?.variable).to.equal('AWS_DEFAULT_REGION')
    expect(regionOf({})).to.equal(undefined)
  })
})
