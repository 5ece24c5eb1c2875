import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** @returns the ENTRYPOINT of a Dockerfile: the command of a container that names none. */
export function entrypoint(dockerfile: string): readonly string[] {
  const match = /^ENTRYPOINT (\[.*\])$/m.exec(readFileSync(dockerfile, 'utf8'))
  if (!match) throw new Error(`${dockerfile} has no ENTRYPOINT`)
  return JSON.parse(match[1] ?? '') as string[]
}

/** @returns the variables that a Dockerfile sets. */
export function imageEnvironment(dockerfile: string): Readonly<Record<string, string>> {
  const lines = readFileSync(dockerfile, 'utf8').matchAll(/^ENV (\w+)=(\S+)$/gm)
  return Object.fromEntries([...lines].map(([, name, value]) => [name, value])) as Record<string, string>
}

/**
 * @param command as it is inside an image: `/nodejs/bin/node` and files below `/app`.
 * @param bundles the directory that the image ships as `/app`.
 * @returns the arguments after `node`, as they are on this machine.
 */
export function argumentsHere(command: readonly string[], bundles: string): readonly string[] {
  const [node, ...rest] = command
  if (node !== '/nodejs/bin/node') throw new Error(`not a Node command: ${command.join(' ')}`)
  return rest.map((part) => part.replace(/^\/app(?=\/)/, resolve(bundles)))
}
