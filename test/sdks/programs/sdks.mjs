// sdks.mjs NAME: answers each line of stdin with one of JSON, which has what the SDK got for the token that it found.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const SDKS = {
  azure: async () => {
    const { WorkloadIdentityCredential } = await import('@azure/identity')
    const credential = new WorkloadIdentityCredential()
    return async (turn) => {
      // Longer than it keeps what it read.
      if (turn > 0) later(6)
      return (await credential.getToken(`https://${turn}.example/.default`)).token
    }
  },
  google: async () => {
    const { GoogleAuth } = await import('google-auth-library')
    const scopes = 'https://www.googleapis.com/auth/cloud-platform'
    const client = await new GoogleAuth({ scopes }).getClient()
    return async (turn) => {
      if (turn > 0) later(61)
      return (await client.getAccessToken()).token
    }
  },
  'openid-client': async () => {
    const { Configuration, clientCredentialsGrant } = await import('openid-client')
    const server = { issuer: 'https://am.partner.example/am', token_endpoint: process.env.TOKEN_ENDPOINT }
    const assertion = (_server, client, body) => {
      body.set('client_id', client.client_id)
      body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
      body.set('client_assertion', readFileSync(`${process.env.TOKENS}/forgerock`, 'utf8'))
    }
    const configuration = new Configuration(server, process.env.CLIENT_ID, undefined, assertion)
    return async () => (await clientCredentialsGrant(configuration)).access_token
  },
}

/** Moves the clock of this process. */
function later(minutes) {
  const { Date } = globalThis
  globalThis.Date = class extends Date {
    static now = () => Date.now() + minutes * 60_000
    constructor(...when) {
      super(...(when.length === 0 ? [globalThis.Date.now()] : when))
    }
  }
}

const get = await SDKS[process.argv[2]]()
let turn = 0
createInterface({ input: process.stdin }).on('line', async () => {
  const answer = await get(turn++).then(
    (got) => ({ got }),
    (error) => ({ problem: String(error) }),
  )
  process.stdout.write(`${JSON.stringify(answer)}\n`)
})
