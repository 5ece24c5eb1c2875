import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { argumentsHere, entrypoint, imageEnvironment } from '../../support/image.ts'
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
  /** What the bars compare with: an HTTP server as one writes it. */
  readonly empty: Subject
  /** The least that Node can do. */
  readonly least: Subject
}

/** The shipped proxy as its image starts it, with one partner and an emulated STS, and servers that do nothing, with the same flags. */
export function createSubjects(world: World): Subjects {
  const bundle = argumentsHere(entrypoint('Dockerfile.proxy'), 'dist/proxy')
  const flags = bundle.filter((argument) => argument.startsWith('-'))
  const image = imageEnvironment('Dockerfile.proxy')
  const compiled = { NODE_COMPILE_CACHE: compile(bundle, join(world.directory, 'compiled')) }
  const empty = (name: string, file: string): Subject => ({
    name,
    args: [...flags, `test/bench/start/${file}`],
    environment: (port) => ({ ...image, NODE_COMPILE_CACHE: '', PORT: String(port) }),
  })
  return {
    proxy: {
      name: 'proxy',
      args: bundle,
      environment: (port) => ({ ...image, ...compiled, ...proxySettings(world, port, partnerHost(world)) }),
    },
    empty: empty('empty server, import', 'empty-import.mjs'),
    least: empty('empty server, require', 'empty-require.mjs'),
  }
}

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
