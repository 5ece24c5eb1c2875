// The partner as a process of its own, for clusters. Settings come from the environment; `listening` is logged once it serves.
import { readFileSync } from 'node:fs'
import { startPartner } from './partner.ts'

const variable = (name: string): string => {
  const value = process.env[name]
  if (value === undefined || value === '') throw new Error(`${name} is not set`)
  return value
}

const partner = await startPartner({
  issuer: variable('ISSUER'),
  jwksUri: variable('JWKS_URI'),
  audience: variable('AUDIENCE').split(','),
  cert: readFileSync(variable('TLS_CERT_FILE'), 'utf8'),
  key: readFileSync(variable('TLS_KEY_FILE'), 'utf8'),
  host: '::',
  port: Number(variable('PORT')),
  speaksHttp2: true,
})
process.stdout.write(`${JSON.stringify({ msg: 'listening', port: partner.port })}\n`)
process.on('SIGTERM', () => void partner.close().then(() => process.exit(0)))
