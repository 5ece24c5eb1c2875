import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { argumentsHere, entrypoint, imageEnvironment } from '../../support/image.ts'
import { BASELINE, missingBaseline } from '../proxy/ours.ts'
import { proxySettings } from '../proxy/settings.ts'
import { PARTNER_HOST } from '../proxy/world.ts'
import type { World } from '../proxy/world.ts'

/** A program that is started, over and over. */
export interface Subject {
  readonly name: string
  /** Of Node: flags, and the file. */
  readonly args: readonly string[]
  readonly environment: (port: number) => Readonly<Record<string, string>>
}

export interface Subjects {
  readonly proxy: Subject
  /** An earlier version, where there is one. */
  readonly before: Subject | undefined
  /** What the bars compare with: an HTTP server as one writes it. */
  readonly empty: Subject
  /** The least that Node can do. */
  readonly least: Subject
}

/** The shipped proxy as its image starts it, with one partner and an emulated STS, and servers that do nothing, with the same flags. */
export function createSubjects(world: World): Subjects {
  const bundle = bundleOf('.')
  const flags = bundle.filter((argument) => argument.startsWith('-'))
  const image = imageEnvironment('Dockerfile.proxy')
  const empty = (name: string, file: string): Subject => ({
    name,
    args: [...flags, `test/bench/start/${file}`],
    environment: (port) => ({ ...image, NODE_COMPILE_CACHE: '', PORT: String(port) }),
  })
  const ours = (name: string, checkout: string, cache: string): Subject => {
    const args = bundleOf(checkout)
    const compiled = { NODE_COMPILE_CACHE: compile(args, join(world.directory, cache)) }
    return {
      name,
      args,
      environment: (port) => ({ ...image, ...compiled, ...proxySettings(world, port, partnerHost(world)) }),
    }
  }
  return {
    proxy: ours('proxy', '.', 'compiled'),
    before:
      BASELINE !== undefined && missingBaseline() === undefined
        ? ours('proxy, before', BASELINE, 'compiled-before')
        : undefined,
    empty: empty('empty server, import', 'empty-import.mjs'),
    least: empty('empty server, require', 'empty-require.mjs'),
  }
}

const bundleOf = (checkout: string): readonly string[] =>
  argumentsHere(entrypoint(join(checkout, 'Dockerfile.proxy')), join(checkout, 'dist/proxy'))

/** As Dockerfile.proxy does. @returns where the compiled code is. */
function compile(bundle: readonly string[], directory: string): string {
  const { status, stderr } = spawnSync(process.execPath, [...bundle, '--version'], {
    env: { NODE_COMPILE_CACHE: directory },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`not compiled: ${stderr}`)
  return directory
}

/** Where a request of the load goes. */
export const partnerHost = (world: World): string => `${PARTNER_HOST}:${world.ports.https}`
