import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A program that uses an SDK. */
export interface Program {
  /** @returns what the SDK got. @throws with the SDK's own words, or those of the program when it ended. */
  get(): Promise<string>
  close(): Promise<void>
}

/** Starts it with this environment and nothing else. */
export function startProgram(command: readonly string[], environment: Readonly<Record<string, string>>): Program {
  const [file = '', ...args] = command
  const child = spawn(file, args, { env: environment, stdio: ['pipe', 'pipe', 'pipe'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text))
  return {
    get: async () => {
      child.stdin.write('\n')
      const { value = '{}' } = (await lines.next()) as { readonly value?: string }
      const { got, problem = 'the program has ended' } = JSON.parse(value) as { got?: string; problem?: string }
      if (got === undefined) throw new Error(`${problem}\n${complaints.slice(0, 2_000)}`)
      return got
    },
    close: async () => {
      if (child.exitCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}
