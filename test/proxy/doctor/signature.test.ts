import { expect } from 'chai'
import { SignJWT, exportJWK, generateKeyPair } from 'jose'
import type { CryptoKey } from 'jose'
import { describe, it } from 'mocha'
import type { Document } from '../../../proxy/src/doctor/fetch.ts'
import { verifySignature } from '../../../proxy/src/doctor/signature.ts'

const keySet = async (key: CryptoKey, kid = 'K'): Promise<Document> => ({
  ok: true,
  json: { keys: [{ ...(await exportJWK(key)), kid }] },
})

describe('verifying a token as a partner would', () => {
  for (const alg of ['RS256', 'ES384'])
    it(`takes ${alg}, expired or not, and refuses another key and another text`, async () => {
      const { publicKey, privateKey } = await generateKeyPair(alg)
      const other = await generateKeyPair(alg)
      const jwt = await new SignJWT({ exp: 1 }).setProtectedHeader({ alg, kid: 'K' }).sign(privateKey)
      expect(await verifySignature(jwt, await keySet(publicKey))).to.equal(undefined)
      expect(await verifySignature(jwt, await keySet(other.publicKey))).to.equal('signature verification failed')
      const forged = jwt.replace(/\.[^.]+\./, `.${Buffer.from('{"exp":2}').toString('base64url')}.`)
      expect(await verifySignature(forged, await keySet(publicKey))).to.equal('signature verification failed')
    })

  it('says why there is nothing to verify with', async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256')
    const jwt = await new SignJWT({}).setProtectedHeader({ alg: 'RS256', kid: 'K' }).sign(privateKey)
    expect(await verifySignature(jwt, await keySet(publicKey, 'other'))).to.contain('no applicable key')
    expect(await verifySignature(jwt, { ok: false, problem: 'x' })).to.contain('no applicable key')
    expect(await verifySignature(jwt, { ok: true, json: { keys: 'none' } })).to.be.a('string')
    const broken = { keys: [{ kty: 'RSA', kid: 'K', n: '!', e: '!' }] }
    expect(await verifySignature(jwt, { ok: true, json: broken })).to.equal('the keys cannot be used')
  })
})
