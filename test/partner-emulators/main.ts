// The vendors as a process of their own, for clusters. Settings come from the environment; each token that a vendor has verified is a line.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { createRemoteJWKSet } from 'jose'
import { answerOf, listenerOf } from './server.ts'
import type { Trust } from './vendor.ts'

const variable = (name: string): string => {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`${name} is not set`)
  return value
}
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

const trust: Trust = {
  issuer: variable('ISSUER'),
  subject: variable('SUBJECT'),
  keys: createRemoteJWKSet(new URL(variable('JWKS_URI'))),
  onVerified: ({ aud, jti }) => print({ msg: 'verified', aud, jti }),
}
const pair = {
  cert: readFileSync(variable('TLS_CERT_FILE'), 'utf8'),
  key: readFileSync(variable('TLS_KEY_FILE'), 'utf8'),
}
const server = createServer(
  pair,
  listenerOf((host, request) => answerOf(host, request, trust)),
)
server.listen(Number(variable('PORT')), '::', () => print({ msg: 'listening' }))
process.on('SIGTERM', () => process.exit(0))
