import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const SOURCE = join(import.meta.dirname, '../../webhook/cli/manifests/go-yaml')

/** The YAML parser of Kubernetes, as one process for many documents. */
export interface GoYaml {
  /** @throws Error with what the parser does not accept. */
  read(document: string): Promise<unknown>
  close(): Promise<void>
}

export function hasGo(): boolean {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Builds the program and starts it. */
export async function startGoYaml(): Promise<GoYaml> {
  const directory = mkdtempSync(join(tmpdir(), 'go-yaml-'))
  const binary = join(directory, 'go-yaml')
  execFileSync('go', ['build', '-o', binary, '.'], { cwd: SOURCE, stdio: 'pipe' })
  const child = spawn(binary, { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child, 'spawn')
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    read: async (document) => {
      child.stdin.write(`${JSON.stringify(document)}\n`)
      const { value: line } = await answers.next()
      const { value, error } = JSON.parse(line as string) as { value?: unknown; error?: string }
      if (error !== undefined) throw new Error(`${error}\n${document}`)
      return value
    },
    close: async () => {
      child.stdin.end()
      await once(child, 'close')
      rmSync(directory, { recursive: true })
    },
  }
}
