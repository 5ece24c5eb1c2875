import { isRecord } from '../../contract.ts'
import type { VaultExchange } from '../../contract.ts'
import { TokenFailure } from '../failures.ts'
import type { Token } from '../token.ts'
import { readAnswer } from './endpoint.ts'
import type { ExchangeCall } from './endpoint.ts'
import { resultOf } from './result.ts'

/** Logs in at Vault or OpenBao. https://developer.hashicorp.com/vault/api-docs/auth/jwt#jwt-login */
export async function exchangeAtVault(exchange: VaultExchange, { subject, ...tools }: ExchangeCall): Promise<Token> {
  const { address, mount, role, namespace, caFile } = exchange
  const answer = await tools.call(
    {
      url: `${address}/v1/auth/${mount}/login`,
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
      },
      body: JSON.stringify({ role, jwt: subject }),
      caFile,
    },
    tools.signal,
  )
  const { auth } = readAnswer(answer, [subject])
  if (!isRecord(auth)) throw new TokenFailure('unusable_answer', 'the answer of Vault has no auth')
  const uses = auth['num_uses']
  // It would end in the middle, after so many requests, however long it lives.
  if (typeof uses === 'number' && uses > 0)
    throw new TokenFailure(
      'unusable_answer',
      `the token of Vault may be used ${uses} times; set token_num_uses of its role to 0`,
    )
  return resultOf(auth['client_token'], auth['lease_duration'])
}
