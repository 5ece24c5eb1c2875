import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import type { ProxyError } from '../../proxy/src/errors.ts'
import { TokenFailure } from '../../proxy/src/tokens/failures.ts'
import { setAwsEnvironment } from '../support/tokens/environment.ts'
import { ROLE } from '../support/tokens/jwt.ts'
import { createRealTokens } from '../support/tokens/real.ts'
import { requestFor } from '../support/tokens/request.ts'
import { FOREIGN_TOKEN, ONCE, SESSION_ROWS, TOKEN_ROWS, jwt } from '../support/tokens/sts-failures.ts'
import type { StsServer } from '../support/tokens/sts-server.ts'
import { SECRETS, session, startStsServer, token } from '../support/tokens/sts-server.ts'

/** The 8 s a request waits, and what a busy machine adds. */
const WITHIN_MS = 10_000

interface Result {
  readonly failure: unknown
  readonly status: number
  readonly hint: string
  readonly tookMs: number
  /** Everything anybody could read afterwards. */
  readonly outputs: string
}

describe('failures of STS, through the AWS SDK', function () {
  this.timeout(30_000)
  let sts: StsServer
  let directory: string
  let restore: () => void
  const results = new Map<string, Result>()
  /** Attempts that failed although only one answer was bad. */
  const passed = new Map<string, number>()

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'tokens-'))
    writeFileSync(join(directory, 'token'), SECRETS.serviceAccountToken)
    sts = await startStsServer((response, call) => {
      const once = ONCE[call.subject]
      if (once) {
        const seen = sts.calls.filter(({ subject }) => subject === call.subject).length
        const good = token(jwt({ aud: call.subject }))
        ;(seen === 1 ? once : good)(response, call)
        return
      }
      const assume = call.action === 'AssumeRoleWithWebIdentity'
      const row = assume ? SESSION_ROWS[unnamed(call.subject)] : TOKEN_ROWS[unnamed(call.subject)]
      ;(row?.[0] ?? session())(response, call)
    })
    restore = setAwsEnvironment({
      AWS_REGION: 'eu-central-1',
      AWS_ROLE_ARN: ROLE,
      AWS_WEB_IDENTITY_TOKEN_FILE: join(directory, 'token'),
      AWS_ENDPOINT_URL_STS: sts.url,
    })
    // All at once: most of the time is spent waiting for what never comes.
    await Promise.all([
      ...Object.keys(TOKEN_ROWS).map(async (what) => results.set(`token ${what}`, await attempt('ok', what))),
      ...Object.keys(ONCE).map(async (what) => passed.set(what, await survive(what))),
      ...Object.keys(SESSION_ROWS).map(async (what) => results.set(`session ${what}`, await attempt(what, 'any'))),
    ])
  })
  after(async () => {
    restore()
    await sts.close()
    rmSync(directory, { recursive: true })
  })

  /** Names of rows as session names, which have no spaces. */
  const named = (what: string): string => what.replaceAll(' ', '.')
  const unnamed = (name: string): string => name.replaceAll('.', ' ')

  async function attempt(sessionRow: string, tokenRow: string): Promise<Result> {
    const { tokens, captured, metrics } = createRealTokens({ sessionName: named(sessionRow), expectedRoleArn: ROLE })
    const startMs = performance.now()
    const told: unknown = await Promise.resolve(tokens.get(requestFor({ audience: [tokenRow] }))).catch(
      (error: unknown) => error,
    )
    const tookMs = performance.now() - startMs
    tokens.close()
    const { row, hint, cause } = told as ProxyError
    const outputs = [String(told), JSON.stringify(told), JSON.stringify(cause), captured.text(), await metrics()]
    return { failure: cause, status: row.status, hint, tookMs, outputs: outputs.join('\n') }
  }

  async function survive(what: string): Promise<number> {
    const { tokens, captured } = createRealTokens({ sessionName: 'ok' })
    await tokens.get(requestFor({ audience: [what] }))
    tokens.close()
    return captured.lines('token not minted').length
  }

  for (const what of Object.keys(ONCE))
    it(`survives ${what} without a failed attempt`, () => {
      expect(passed.get(what)).to.equal(0)
    })

  for (const [phase, rows] of Object.entries({ token: TOKEN_ROWS, session: SESSION_ROWS }))
    describe(`while the ${phase} is made`, () => {
      for (const [what, [, reason, status, hint]] of Object.entries(rows))
        it(`when ${what}: ${reason}, ${status}, within 8 s, without a secret`, () => {
          const result = results.get(`${phase} ${what}`)!
          expect(result.failure, result.outputs).to.be.instanceOf(TokenFailure)
          expect((result.failure as TokenFailure).reason, result.outputs).to.equal(reason)
          expect(result.status).to.equal(status)
          expect(result.hint).to.match(hint)
          expect(result.tookMs).to.be.below(WITHIN_MS)
          for (const secret of [...Object.values(SECRETS), FOREIGN_TOKEN, 'ASIAEXAMPLE', 'eyJ'])
            expect(result.outputs).not.to.contain(secret)
        })
    })
})
