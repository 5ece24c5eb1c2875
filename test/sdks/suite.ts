import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { CACHE } from '../clients/tools.ts'
import type { Tool } from '../clients/tools.ts'
import type { PartnerEmulators } from '../partner-emulators/server.ts'
import { startPod } from './pod.ts'
import type { RunningPod } from './pod.ts'
import { startProgram } from './program.ts'

/** An SDK, and the token file that it finds. */
export interface Row {
  /** In the program of its language. */
  readonly name: string
  /** The item of the annotation `token-files`. */
  readonly file: { readonly name: string } & Readonly<Record<string, unknown>>
  /** What the application itself has to say. */
  readonly environment?: Readonly<Record<string, string>>
}

export interface Language {
  readonly name: string
  readonly tool: Tool
  readonly rows: readonly Row[]
  /** The program, without the name of the SDK. */
  readonly command: readonly string[]
}

/** Python compiles a new installation when it is first imported. */
const FIRST_IMPORT_MS = 90_000

/** Each SDK exchanges what the shipped sidecar wrote, and what it wrote after that. */
export function testSdks({ name: language, tool, rows, command }: Language): void {
  const missing = reasonOf(tool)
  describe(`SDKs of ${language} with the token files of a pod${missing === undefined ? '' : ` (${missing})`}`, () => {
    let pod: RunningPod
    before(async function () {
      if (missing !== undefined) this.skip()
      this.timeout(FIRST_IMPORT_MS)
      pod = await startPod(rows.map(({ file }) => file))
    })
    after(async () => {
      if (missing === undefined) await pod.close()
    })

    for (const { name, file, environment = {} } of rows)
      it(`${name} gets a token for exactly what is in its file, and for what is there after a rotation`, async () => {
        const program = startProgram([...command, name], { ...pod.environment, ...environment })
        try {
          const first = pod.token(file.name)
          expectExchange(first, await program.get())
          await pod.rotate()
          const second = pod.token(file.name)
          expect(second, 'the file').not.to.equal(first)
          expectExchange(second, await program.get())
        } finally {
          await program.close()
        }
      }).timeout(FIRST_IMPORT_MS)

    const expectExchange = (token: string, got: string): void => {
      expect(wasExchanged(pod.partners, token, got), `an exchange of the token in the file for ${got}`).to.equal(true)
    }
  })
}

/** @returns whether a partner gave this for the token, or for what it had given for the token. */
function wasExchanged({ exchanges }: PartnerEmulators, token: string, got: string): boolean {
  const given = exchanges.find(({ answer }) => JSON.stringify(answer.json).includes(`"${got}"`))
  if (given === undefined) return false
  const { path, headers, fields } = given.request
  if (`${path}${JSON.stringify(fields)}`.includes(token)) return true
  const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1]
  return bearer !== undefined && wasExchanged({ exchanges } as PartnerEmulators, token, bearer)
}

function reasonOf(tool: Tool): string | undefined {
  try {
    tool.install(CACHE)
    return undefined
  } catch (error) {
    return String(error instanceof Error ? error.message : error).split('\n')[0]
  }
}
