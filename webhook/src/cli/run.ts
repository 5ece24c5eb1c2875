import { VERSION, printableLines } from '@aws-outbound-jwt-injector/proxy/contract'
import type { Given } from './arguments.ts'
import { readArguments } from './arguments.ts'
import type { CommandName } from './commands.ts'
import { EXITS } from './commands.ts'
import { completion } from './completion.ts'
import { KubeError } from '../kube/failure.ts'
import { runCheck } from './cluster/check.ts'
import { runDoctor } from './cluster/doctor.ts'
import { runStatus } from './cluster/status.ts'
import { runDiscovery } from './discovery.ts'
import { explain } from './explain.ts'
import { runInject, runLint } from './manifests/run.ts'
import type { Outcome, World } from './outcome.ts'
import { adviceOn } from './rights.ts'
import { PROGRAM, UsageError, usage, usageOf } from './usage.ts'

/** What each command does. */
const RUNS: Readonly<Record<CommandName, (given: Given, world: World) => Outcome | Promise<Outcome>>> = {
  lint: runLint,
  inject: runInject,
  explain: ({ argument }) => explain(argument),
  discovery: runDiscovery,
  check: runCheck,
  doctor: runDoctor,
  status: runStatus,
  completion: ({ argument }) => printed(completion(argument)),
}

/** Runs the command line; what works offline is done when it returns. */
export function run(args: readonly string[], world: World): Outcome | Promise<Outcome> {
  try {
    const request = readArguments(args)
    if ('version' in request) return printed(`${VERSION}\n`)
    if ('help' in request) return printed(request.help === undefined ? usage() : usageOf(request.help))
    const outcome = RUNS[request.run.command](request.run, world)
    return outcome instanceof Promise ? outcome.catch(failed) : outcome
  } catch (error) {
    return failed(error)
  }
}

function failed(error: unknown): Outcome {
  if (error instanceof UsageError) return told(EXITS.usage.status, `${error.message}\n`)
  // SECURITY: others write what an API server says.
  if (error instanceof KubeError)
    return told(EXITS.unavailable.status, `${printableLines(error.message)}\n${adviceOn(error.missingRight)}`)
  throw error
}

const told = (status: number, text: string): Outcome => ({ status, stdout: '', stderr: `${PROGRAM}: ${text}` })
const printed = (stdout: string): Outcome => ({ status: EXITS.fine.status, stdout, stderr: '' })
