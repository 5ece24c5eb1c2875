import { expect } from 'chai'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import type { JSONWebKeySet } from 'jose'
import { after, afterEach, before, describe, it } from 'mocha'
import type { Emulator } from '../src/index.ts'
import { createEmulator } from '../src/index.ts'
import { ACCOUNT, REGION, ROLE, assumedRole, mint, refusal } from './support/client.ts'

describe('state of the emulator', () => {
  let emulator: Emulator
  let now = Date.now()
  const start = now

  before(async () => {
    emulator = await createEmulator({ region: REGION, accountId: ACCOUNT, roles: [{ arn: ROLE }], now: () => now })
  })
  afterEach(() => {
    now = start
    emulator.reset()
  })
  after(async () => {
    await emulator.close()
  })

  const admin = (method: string, path: string, body?: unknown): Promise<Response> =>
    fetch(`${emulator.url}/_admin/${path}`, { method, ...(body !== undefined && { body: JSON.stringify(body) }) })
  const read = async <T>(url: string): Promise<T> => (await fetch(url)).json() as Promise<T>

  it('lets a change of federation reach STS after the propagation delay, with failures on the way', async () => {
    const sts = await assumedRole(emulator)
    const outcomes = async (calls: number): Promise<string[]> => {
      emulator.clearCalls()
      for (let call = 0; call < calls; call += 1) await sts.send(mint()).catch(() => undefined)
      return emulator.calls().map(({ outcome }) => outcome)
    }
    const disabled = 'OutboundWebIdentityFederationDisabledException'
    emulator.setState({ federationEnabled: false, propagationSeconds: 10 })
    expect(await outcomes(1)).to.deep.equal(['ok'])
    now += 10_000
    expect(await outcomes(1)).to.deep.equal([disabled])
    emulator.setFederation(true)
    now += 9_999
    expect(await outcomes(4)).to.deep.equal([disabled, disabled, 'InternalFailure', disabled])
    now += 1
    expect(await outcomes(1)).to.deep.equal(['ok'])
  })

  it('forgets a propagation on reset', async () => {
    const sts = await assumedRole(emulator)
    await admin('PUT', 'state', { federationEnabled: false, propagationSeconds: 10 })
    now += 20_000
    expect(await refusal(() => sts.send(mint()))).to.contain('Disabled')
    await admin('POST', 'reset')
    await sts.send(mint())
  })

  it('moves its clock: signatures, Date header and tokens', async () => {
    await admin('PUT', 'state', { clockOffsetSeconds: 3600 })
    const response = await admin('GET', 'state')
    expect(Date.parse(response.headers.get('date') ?? '')).to.be.closeTo(now + 3_600_000, 1000)
    const late = await assumedRole(emulator)
    expect(await refusal(() => late.send(mint()))).to.contain('SignatureDoesNotMatch: Signature expired')
    const { Expiration } = await (await assumedRole(emulator, { systemClockOffset: 3_600_000 })).send(mint())
    expect(Expiration?.getTime()).to.equal(now + 3_600_000 + 900_000)
    emulator.setState({ clockOffsetSeconds: -3600 })
    expect(await refusal(async () => (await assumedRole(emulator)).send(mint()))).to.contain('not yet current')
  })

  it('publishes its documents in the form of 2026, and of 2025', async () => {
    const documents = async (): Promise<[Record<string, unknown>, JSONWebKeySet]> => {
      const discovery = await read<Record<string, string>>(`${emulator.issuer}/.well-known/openid-configuration`)
      return [discovery, await read(discovery['jwks_uri'] ?? '')]
    }
    const [discovery, jwks] = await documents()
    expect(discovery).to.deep.equal({
      claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'jti', 'https://sts.amazonaws.com/'],
      id_token_signing_alg_values_supported: ['RS256', 'ES384'],
      issuer: emulator.issuer,
      jwks_uri: `${emulator.issuer}/.well-known/jwks.json`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
    })
    expect(jwks.keys.map(({ kid, alg, use, kty }) => [kid, alg, use, kty])).to.deep.equal([
      ['RSA_0', 'RS256', 'sig', 'RSA'],
      ['EC384_0', 'ES384', 'sig', 'EC'],
    ])
    emulator.setState({ discoveryProfile: 2025 })
    const [oldDiscovery, oldJwks] = await documents()
    expect(oldDiscovery).not.to.have.property('response_types_supported')
    expect(oldDiscovery).to.have.property('issuer', emulator.issuer)
    expect(oldJwks.keys.map(({ kid, alg }) => [kid, alg])).to.deep.equal([
      ['RSA_0', undefined],
      ['EC384_0', undefined],
    ])
    const { WebIdentityToken = '' } = await (await assumedRole(emulator)).send(mint())
    await jwtVerify(WebIdentityToken, createRemoteJWKSet(new URL(`${emulator.issuer}/.well-known/jwks.json`)))
  })

  it('answers HEAD for its documents, without a body', async () => {
    const response = await fetch(`${emulator.issuer}/.well-known/jwks.json`, { method: 'HEAD' })
    expect(response.status).to.equal(200)
    expect(response.headers.get('cache-control')).to.contain('max-age')
    expect(await response.text()).to.equal('')
  })

  it('rotates keys: with the old ones, without them, and under the same kid', async () => {
    const sts = await assumedRole(emulator)
    const token = async (): Promise<string> => (await sts.send(mint())).WebIdentityToken ?? ''
    const verdict = async (text: string): Promise<string> => {
      const keys = createRemoteJWKSet(new URL(`${emulator.issuer}/.well-known/jwks.json`))
      return jwtVerify(text, keys).then(
        ({ protectedHeader }) => protectedHeader.kid ?? '',
        (error: unknown) => (error as { code: string }).code,
      )
    }
    const tokens = [await token()]
    await emulator.rotateKeys()
    tokens.push(await token())
    expect(await Promise.all(tokens.map(verdict))).to.deep.equal(['RSA_0', 'RSA_1'])
    await admin('POST', 'rotate-keys', { keepOld: false })
    tokens.push(await token())
    expect(await Promise.all(tokens.map(verdict))).to.deep.equal([
      'ERR_JWKS_NO_MATCHING_KEY',
      'ERR_JWKS_NO_MATCHING_KEY',
      'RSA_2',
    ])
    await emulator.rotateKeys({ sameKid: true })
    tokens.push(await token())
    expect((await Promise.all(tokens.map(verdict))).slice(2)).to.deep.equal([
      'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
      'RSA_2',
    ])
  })

  const refused: Readonly<Record<string, [string, string, unknown, string]>> = {
    'an unknown field': [
      'PUT',
      'state',
      { federation: true },
      'state.federation: got "true", expected one of the fields',
    ],
    'a profile of another year': ['PUT', 'state', { discoveryProfile: 2024 }, 'expected 2025 or 2026'],
    'no state': ['PUT', 'state', undefined, 'state: got "nothing", expected an object'],
    'a rotation with another option': ['POST', 'rotate-keys', { old: 1 }, 'rotation.old'],
    'an association without a role': [
      'PUT',
      'pod-identity-associations',
      [{}],
      'associations[0].roleArn: got "nothing"',
    ],
  }
  for (const [what, [method, path, body, expected]] of Object.entries(refused)) {
    it(`refuses ${what}, with the reason`, async () => {
      const response = await admin(method, path, body)
      expect(response.status).to.equal(400)
      expect(((await response.json()) as { error: string }).error).to.contain(expected)
    })
  }

  it('resets to how it started', async () => {
    const before = emulator.state()
    emulator.setState({ sessionSeconds: 60, discoveryProfile: 2025, clockOffsetSeconds: 5 })
    emulator.setRoles([])
    emulator.setFaults([{ kind: 'hang' }])
    expect(await (await admin('POST', 'reset')).json()).to.deep.equal(before)
    await (await assumedRole(emulator)).send(mint())
  })
})
