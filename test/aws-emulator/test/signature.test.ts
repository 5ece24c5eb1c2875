import { createHash } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { after, before, describe, it } from 'mocha'
import type { Emulator } from '../src/index.ts'
import { createEmulator } from '../src/index.ts'
import { ACCOUNT, REGION, ROLE, assumedRole } from './support/client.ts'
import type { Credentials, SentRequest, Signing } from './support/signed-request.ts'
import { BODY, sendRequest, signRequest, withAuthorization, withHeader, without } from './support/signed-request.ts'

describe('Signature Version 4', () => {
  let emulator: Emulator
  let credentials: Credentials

  before(async () => {
    emulator = await createEmulator({ region: REGION, accountId: ACCOUNT, roles: [{ arn: ROLE }] })
    credentials = await (await assumedRole(emulator)).config.credentials()
  })
  after(async () => {
    await emulator.close()
  })

  const sign = (options: Partial<Signing> = {}): Promise<SentRequest> =>
    signRequest(emulator, { credentials, ...options })
  const send = (sent: SentRequest): Promise<string> => sendRequest(emulator, sent)

  const accepted: Readonly<Record<string, () => Promise<SentRequest>>> = {
    'a plain request': () => sign(),
    'a query, in any order of its names': () => sign({ query: { b: '2 +/~', a: '', 'c d': 'ü' } }),
    'a header with inner and outer spaces': () => sign({ headers: { 'x-note': '  a   b ' } }),
    'signed headers that clients usually leave out': async () => {
      const sent = await sign({ headers: { 'x-amz-meta-note': 'a,b' } })
      return { ...sent, headers: [...sent.headers, 'user-agent', 'unsigned'] }
    },
    'a body that is not UTF-8': () =>
      sign({ body: Buffer.concat([Buffer.from(`${BODY}&Junk=`), Buffer.from([0xff, 0xfe])]) }),
    'a body that is not UTF-8, without its digest': () =>
      sign({ body: Buffer.concat([Buffer.from(`${BODY}&Junk=`), Buffer.from([0xff])]), digest: false }),
    'a date four minutes back': () => sign({ signingDate: new Date(Date.now() - 240_000) }),
    'a date four minutes ahead': () => sign({ signingDate: new Date(Date.now() + 240_000) }),
    'commas without spaces in the Authorization header': async () => withAuthorization(await sign(), /, /g, ','),
  }
  for (const [what, request] of Object.entries(accepted)) {
    it(`accepts ${what}`, async () => {
      expect(await send(await request())).to.equal('200 ok')
    })
  }

  it('accepts a header that is sent twice when both values are signed', async () => {
    const sent = await sign({ headers: { 'x-twice': 'a,b' } })
    const twice = {
      ...without(sent, 'x-twice'),
      headers: [...without(sent, 'x-twice').headers, 'x-twice', 'a', 'x-twice', 'b'],
    }
    expect(await send(twice)).to.equal('200 ok')
  })

  const MISMATCH = '403 SignatureDoesNotMatch'
  const tampered: Readonly<Record<string, [() => Promise<SentRequest>, string]>> = {
    'a changed body': [async () => ({ ...(await sign()), body: `${BODY}&More=1` }), MISMATCH],
    'another byte where text looks the same': [
      async () => ({
        ...(await sign({ body: `${BODY}&Junk=\ufffd`, digest: false })),
        body: Buffer.concat([Buffer.from(`${BODY}&Junk=`), Buffer.from([0xff])]),
      }),
      MISMATCH,
    ],
    'a changed body with a matching digest': [
      async () => {
        const body = `${BODY}&More=1`
        const digest = createHash('sha256').update(body).digest('hex')
        return { ...withHeader(await sign(), 'x-amz-content-sha256', () => digest), body }
      },
      MISMATCH,
    ],
    'an unsigned payload': [() => sign({ headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }), MISMATCH],
    'the digest of another body': [
      () => sign({ headers: { 'x-amz-content-sha256': createHash('sha256').update('other').digest('hex') } }),
      MISMATCH,
    ],
    'an added query': [async () => ({ ...(await sign()), path: '/?Action=GetWebIdentityToken' }), MISMATCH],
    'a changed query': [async () => ({ ...(await sign({ query: { a: '1' } })), path: '/?a=2' }), MISMATCH],
    'a query that cannot be decoded': [async () => ({ ...(await sign()), path: '/?a=%zz' }), MISMATCH],
    'a changed signed header': [
      async () => withHeader(await sign({ headers: { 'x-note': 'a' } }), 'x-note', () => 'b'),
      MISMATCH,
    ],
    'a removed signed header': [async () => without(await sign({ headers: { 'x-note': 'a' } }), 'x-note'), MISMATCH],
    'a signed header that is repeated': [
      async () => {
        const sent = await sign()
        return { ...sent, headers: [...sent.headers, 'content-type', 'text/plain'] }
      },
      MISMATCH,
    ],
    'an added x-amz header': [
      async () => {
        const sent = await sign()
        return { ...sent, headers: [...sent.headers, 'x-amz-target', 'Other'] }
      },
      MISMATCH,
    ],
    'an unsigned host': [() => sign({ unsignable: ['host'] }), MISMATCH],
    'another host': [async () => withHeader(await sign(), 'host', () => 'sts.amazonaws.com'), MISMATCH],
    'fewer signed headers than were signed': [
      async () => withAuthorization(await sign(), /content-type;/, ''),
      MISMATCH,
    ],
    'another day in the scope': [async () => withAuthorization(await sign(), /\/20\d{6}\//, '/20200101/'), MISMATCH],
    'another region': [() => sign({ region: 'us-east-1' }), MISMATCH],
    'another service': [() => sign({ service: 'iam' }), MISMATCH],
    'a region changed afterwards': [
      async () => withAuthorization(await sign({ region: 'us-east-1' }), /us-east-1/, REGION),
      MISMATCH,
    ],
    'a date six minutes back': [() => sign({ signingDate: new Date(Date.now() - 360_000) }), MISMATCH],
    'a date six minutes ahead': [() => sign({ signingDate: new Date(Date.now() + 360_000) }), MISMATCH],
    'a changed date': [
      async () => {
        const later = new Date().toISOString().replace(/\.\d{3}|[-:]/g, '')
        const sent = await sign({ signingDate: new Date(Date.now() - 60_000) })
        return withHeader(sent, 'x-amz-date', () => later)
      },
      MISMATCH,
    ],
    'no date': [async () => without(await sign(), 'x-amz-date'), '400 IncompleteSignature'],
    'a date in another form': [
      async () => withHeader(await sign(), 'x-amz-date', () => new Date().toISOString()),
      '400 IncompleteSignature',
    ],
    'no session token': [
      async () =>
        sign({ credentials: { accessKeyId: credentials.accessKeyId, secretAccessKey: credentials.secretAccessKey } }),
      '403 InvalidClientTokenId',
    ],
    'another session token': [
      () => sign({ credentials: { ...credentials, sessionToken: 'other' } }),
      '403 InvalidClientTokenId',
    ],
    'an unsigned session token': [() => sign({ unsignable: ['x-amz-security-token'] }), MISMATCH],
    'an unknown key': [
      () => sign({ credentials: { ...credentials, accessKeyId: 'ASIANOBODY' } }),
      '403 InvalidClientTokenId',
    ],
    'another secret': [() => sign({ credentials: { ...credentials, secretAccessKey: 'other' } }), MISMATCH],
    'no signature': [async () => without(await sign(), 'authorization'), '403 MissingAuthenticationToken'],
    'an empty signature': [
      async () => withAuthorization(await sign(), /Signature=.*/, 'Signature='),
      '400 IncompleteSignature',
    ],
    'another algorithm': [
      async () => withAuthorization(await sign(), /AWS4-HMAC-SHA256/, 'AWS4-HMAC-SHA1'),
      '400 IncompleteSignature',
    ],
    'a bearer token': [
      async () => withHeader(await sign(), 'authorization', () => 'Bearer abc'),
      '400 IncompleteSignature',
    ],
  }
  for (const [what, [request, expected]] of Object.entries(tampered)) {
    it(`refuses ${what}`, async () => {
      expect(await send(await request())).to.equal(expected)
    })
  }

  it('refuses a signature with any one digit changed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 63 }),
        fc.integer({ min: 1, max: 15 }),
        async (position, difference) => {
          const sent = withHeader(await sign(), 'authorization', (value) => {
            const at = value.length - 64 + position
            const digit = ((Number.parseInt(value.charAt(at), 16) + difference) % 16).toString(16)
            return `${value.slice(0, at)}${digit}${value.slice(at + 1)}`
          })
          expect(await send(sent)).to.equal(MISMATCH)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('accepts any query and any header that AWS signs', async () => {
    const printable = fc.string({
      unit: fc.constantFrom(...Array.from("abcXYZ0189-_.~ !'()*:;,/?@&=+$%#[]")),
      maxLength: 12,
    })
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(
          printable.filter((key) => key !== ''),
          printable,
          { maxKeys: 4 },
        ),
        printable,
        async (query, note) => {
          expect(await send(await sign({ query, headers: { 'x-note': note } }))).to.equal('200 ok')
        },
      ),
      { numRuns: 100 },
    )
  })
})
