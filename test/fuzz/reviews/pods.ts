// Pods for reviews: the ones our golden cases submit, generated ones, and both with parts of a wrong kind.
import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { askingPod, otherPod } from '../../support/injection/arbitraries.ts'
import { readYaml } from '../../support/injection/cases.ts'
import { allContainers } from '../../support/injection/object.ts'
import type { Random } from '../random.ts'

const FOLDER = 'test/fixtures/pods'

/** In values of variables and arguments, where passwords are: no log may show it. */
export const CANARY = 'c4naryc4nary'

const golden = readdirSync(FOLDER).map((name) => readYaml(`${FOLDER}/${name}/pod.yaml`))

/** @returns a pod as the API server would send it, with a secret in it. */
export function createPod(random: Random): unknown {
  const pod = random.chance(0.3)
    ? random.pick(golden)
    : fc.sample(random.chance(0.8) ? askingPod : otherPod, { seed: random.below(2 ** 31), numRuns: 1 })[0]
  return withSecret(structuredClone(pod))
}

function withSecret(pod: unknown): unknown {
  for (const container of allContainers(pod)) {
    container['command'] = ['run', CANARY]
    if (Array.isArray(container['env'])) container['env'].push({ name: 'PASSWORD', value: CANARY })
  }
  return pod
}

const DEEP = 2_000
/** In place of what belongs there. */
const STRANGERS: readonly (() => unknown)[] = [
  () => null,
  () => true,
  () => 0,
  () => -1,
  () => 1e308,
  () => 2 ** 53,
  () => '',
  () => 'x',
  () => '\ud800',
  () => '\0\n\u2028',
  () => '$('.repeat(1_000),
  () => 'x'.repeat(100_000),
  () => [],
  () => ({}),
  () => [null],
  () => [[]],
  () =>
    JSON.parse(
      '{"__proto__":{"containers":[]},"constructor":1,"toString":1,"hasOwnProperty":2,"length":-1}',
    ) as unknown,
  () => JSON.parse('['.repeat(DEEP) + ']'.repeat(DEEP)) as unknown,
  () => Array.from({ length: 2_000 }, () => ({ name: 'orders' })),
]
const NAMES = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  '',
  'outbound-jwt.io/',
  'outbound-jwt.io/inject',
  'a/b~c',
  '0',
  '-',
]

/** Changes one to four places of a document. Copies nothing from elsewhere in it, so that secrets stay where they are. */
export function garble(document: unknown, random: Random): unknown {
  for (let count = 1 + random.below(4); count > 0; count--) garbleOnce(document, random)
  return document
}

function garbleOnce(document: unknown, random: Random): void {
  let parent = document as Record<string, unknown>
  let key = anyKey(parent, random)
  for (
    let child = parent[key];
    typeof child === 'object' && child !== null && random.chance(0.85);
    child = parent[key]
  ) {
    parent = child as Record<string, unknown>
    key = anyKey(parent, random)
  }
  change(parent, key, random)
}

function anyKey(parent: Record<string, unknown>, random: Random): string {
  const keys = Object.keys(parent)
  return random.pick(keys.length > 0 ? keys : ['x'])
}

function change(parent: Record<string, unknown>, key: string, random: Random): void {
  // An own member, whatever its name.
  const define = (name: string, value: unknown): void =>
    void Object.defineProperty(parent, name, { value, writable: true, enumerable: true, configurable: true })
  switch (random.below(5)) {
    case 0:
      Reflect.deleteProperty(parent, key)
      break
    case 1:
      define(random.pick(NAMES), random.pick(STRANGERS)())
      break
    case 2:
      if (Array.isArray(parent)) parent.push(parent[Number(key)])
      else define(key, [parent[key]])
      break
    default:
      define(key, random.pick(STRANGERS)())
  }
}
