import { connect } from 'node:net'
import { call } from '../../support/proxy/client.ts'
import { TEST_TOKEN } from '../../support/proxy/tokens.ts'
import { until } from '../../support/until.ts'
import { statusOf } from '../answer.ts'
import type { FuzzKind, FuzzTarget } from '../kind.ts'
import { patiently } from '../patience.ts'
import { createScript } from './script.ts'
import type { Hosts, Script } from './script.ts'
import { createFuzzWorld } from './world.ts'
import type { FuzzWorld } from './world.ts'

/** Far beyond the longest limit of the fuzzed proxy. */
const HANG_MS = 10_000
/** On a machine that is busy with something else. */
const BUSY_MS = 60_000

/** Stand for the ports of the servers, which differ from run to run. As long as they are, so that lengths hold. */
const HOSTS: Hosts = { rule: 'api.partner.example:44301', plain: 'plain.example:44302' }

export const REQUESTS: FuzzKind<Script> = {
  name: 'requests',
  subject: 'Raw request heads and bodies, framed well and badly, cut into pieces, at the data port of the proxy.',
  invariants: [
    'every connection ends within the limits, and whatever is answered is HTTP',
    'the token reaches the host with a rule only, exactly once per request, and is shown to no client and no log',
    'bytes inside a body never become a request of their own',
    'nothing stays in flight, and a good request succeeds afterwards',
  ],
  batch: 64,
  atOnce: 64,
  quick: 64,
  generate: (random) => createScript(random, HOSTS),
  open: async (): Promise<FuzzTarget<Script>> => {
    const world = await createFuzzWorld()
    return {
      attempt: async (script) => outcomeOf(world, script, await talk(world.proxy.port, here(world, script))),
      afterBatch: () => checkWorld(world),
      close: () => world.close(),
    }
  },
}

function here({ hosts }: FuzzWorld, script: Script): Script {
  const port = (host: string): string => host.slice(host.indexOf(':'))
  const whole = script
    .join('')
    .replaceAll(port(HOSTS.rule), port(hosts.rule))
    .replaceAll(port(HOSTS.plain), port(hosts.plain))
  let at = 0
  return script.map((piece) => whole.slice(at, (at += piece.length)))
}

function outcomeOf({ proxy }: FuzzWorld, script: Script, answer: string): string {
  const said = (): string => describe(script, answer)
  if (answer.includes(TEST_TOKEN)) throw new Error(`the client was shown the token\n${said()}`)
  if (answer.includes('internal_error')) throw new Error(`a defect of the proxy: ${proxy.log()}\n${said()}`)
  return statusOf(answer)
}

async function checkWorld({ partner, plain, proxy, hosts }: FuzzWorld): Promise<void> {
  if (plain.bytes().includes(TEST_TOKEN)) throw new Error('a host without a rule was sent the token')
  if (proxy.log().includes(TEST_TOKEN)) throw new Error('the token was logged')
  for (const { line, authorization } of [...partner.requests, ...plain.requests])
    if (line.includes(' /smuggled')) throw new Error(`an upstream saw ${line} (${String(authorization)})`)
  for (const { line, authorization } of partner.requests)
    if (authorization.length !== 1 || authorization[0] !== `Bearer ${TEST_TOKEN}`)
      throw new Error(`the partner saw ${line} with ${JSON.stringify(authorization)}`)
  await until('nothing is in flight', async () => (await proxy.metrics()).includes('requests_in_flight 0\n'), BUSY_MS)
  const isAlive = async (): Promise<boolean> => (await call(proxy.port, `http://${hosts.rule}/alive`)).status === 200
  await until('a good request succeeds', isAlive, BUSY_MS)
  partner.reset()
  plain.reset()
}

/** Writes the pieces one by one and reads until the proxy ends the connection. @throws when it does not. */
async function talk(port: number, script: Script): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')))
  socket.on('error', () => socket.destroy())
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  for (const piece of script) {
    if (socket.destroyed) break
    socket.write(piece, 'latin1')
    await new Promise(setImmediate)
  }
  await patiently(closed, HANG_MS)
  return answer
}

function describe(script: Script, answer: string): string {
  const sent = script.map((piece) => JSON.stringify(piece.slice(0, 2_000))).join('\n     ')
  return `sent ${sent}\ngot  ${JSON.stringify(answer.slice(0, 500))}`
}
