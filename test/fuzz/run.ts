import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { call } from '../support/proxy/client.ts'
import { TEST_TOKEN } from '../support/proxy/tokens.ts'
import { until } from '../support/until.ts'
import type { Random } from './random.ts'
import { createScript } from './requests.ts'
import type { Script } from './requests.ts'
import type { FuzzWorld } from './world.ts'

/** Connections at once. */
const BATCH = 64
/** The longest limit of the fuzzed proxy, and a busy machine. */
const HANG_MS = 10_000

/** Runs one batch of connections and checks what must hold whatever they said. @throws with the bytes that broke it. */
export async function runBatch(world: FuzzWorld, random: Random): Promise<number> {
  const scripts = Array.from({ length: BATCH }, () => createScript(random, world.hosts))
  const answers = await Promise.all(scripts.map((script) => talk(world.proxy.port, script)))
  answers.forEach((answer, index) => {
    const said = (): string => describe(scripts[index]!, answer)
    if (answer === undefined) throw new Error(`the connection was still open after ${HANG_MS} ms\n${said()}`)
    if (answer !== '' && !/^HTTP\/1\.1 \d{3} /.test(answer)) throw new Error(`an answer that is no HTTP\n${said()}`)
    if (answer.includes(TEST_TOKEN)) throw new Error(`the client was shown the token\n${said()}`)
    if (answer.includes('internal_error')) throw new Error(`a defect of the proxy: ${world.proxy.log()}\n${said()}`)
  })
  checkUpstreams(world, scripts)
  await until('nothing is in flight', async () => (await world.proxy.metrics()).includes('requests_in_flight 0\n'))
  const { status } = await call(world.proxy.port, `http://${world.hosts.rule}/alive`)
  if (status !== 200) throw new Error(`a good request was answered ${status}`)
  world.partner.reset()
  world.plain.reset()
  return BATCH
}

function checkUpstreams(world: FuzzWorld, scripts: readonly Script[]): void {
  const { partner, plain, proxy } = world
  const all = (): string => scripts.map((script) => describe(script, '')).join('\n')
  if (plain.bytes().includes(TEST_TOKEN)) throw new Error(`a host without a rule was sent the token\n${all()}`)
  if (proxy.log().includes(TEST_TOKEN)) throw new Error(`the token was logged\n${all()}`)
  for (const { line, authorization } of [...partner.requests, ...plain.requests])
    if (line.includes(' /smuggled')) throw new Error(`an upstream saw ${line} (${String(authorization)})\n${all()}`)
  for (const { line, authorization } of partner.requests)
    if (authorization.length !== 1 || authorization[0] !== `Bearer ${TEST_TOKEN}`)
      throw new Error(`the partner saw ${line} with ${JSON.stringify(authorization)}\n${all()}`)
}

/** Writes the pieces one by one and reads until the proxy ends the connection. @returns undefined when it does not. */
async function talk(port: number, script: Script): Promise<string | undefined> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')))
  socket.on('error', () => socket.destroy())
  const closed = new Promise<true>((resolve) => socket.once('close', () => resolve(true)))
  for (const piece of script) {
    if (socket.destroyed) break
    socket.write(piece)
    await new Promise(setImmediate)
  }
  const hang = new AbortController()
  const ended = await Promise.race([closed, delay(HANG_MS, undefined, { signal: hang.signal })])
  hang.abort()
  socket.destroy()
  return ended ? answer : undefined
}

function describe(script: Script, answer: string | undefined): string {
  const sent = script.map((piece) => JSON.stringify(piece.toString('latin1').slice(0, 2_000))).join('\n     ')
  return `sent ${sent}\ngot  ${JSON.stringify(answer?.slice(0, 500))}`
}
