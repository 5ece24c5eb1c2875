import type { V1VolumeMount } from '@kubernetes/client-node'
import { chosenSdk, sdkVariables } from '@aws-outbound-jwt-injector/proxy/contract'
import type { PlannedTokenFile } from '../annotations/token-files.ts'
import type { Warn } from '../outcome.ts'
import type { Container, Variable } from '../pod/pod.ts'
import { placeOf } from '../pod/pod.ts'
import { withoutExpansion } from '../sidecar/sidecar.ts'
import { TOKENS } from '../sidecar/volumes.ts'
import type { EnvironmentEdit } from './environment-edits.ts'

/** SECURITY: read-only, so that no application changes what another one sends. */
export const TOKENS_MOUNT: V1VolumeMount = { ...TOKENS, readOnly: true }

/** What SDKs are told. */
export interface SdkEnvironment {
  /** Name → value. */
  readonly variables: ReadonlyMap<string, string>
  /** Variable with which an SDK does not look at its file → title of the SDK. */
  readonly overriding: ReadonlyMap<string, string>
}

export function readSdks(files: readonly PlannedTokenFile[]): SdkEnvironment {
  const chosen = files.flatMap(({ file: { name, sdk } }) => (sdk ? [{ name, sdk }] : []))
  return {
    variables: new Map(
      chosen.flatMap(({ name, sdk }) =>
        sdkVariables(sdk, `${TOKENS.mountPath}/${name}`).map(([key, value]) => [key, withoutExpansion(value)] as const),
      ),
    ),
    overriding: new Map(
      chosen.flatMap(({ sdk }) => {
        const { title, overriding } = chosenSdk(sdk)
        return overriding.map((name) => [name, title] as const)
      }),
    ),
  }
}

/** Sets every variable of the SDKs, wherever it is already. */
export function planSdks(
  container: Container,
  own: readonly Variable[],
  { variables, overriding }: SdkEnvironment,
  warn: Warn,
): readonly EnvironmentEdit[] {
  for (const { name } of own) {
    const title = overriding.get(name)
    if (title !== undefined) warn(`${placeOf(container)} sets ${name}, which ${title} use instead of the token file`)
  }
  return [...variables].flatMap(([name, value]): readonly EnvironmentEdit[] => {
    const present = own.filter((variable) => variable.name === name)
    if (present.length === 0) return [{ kind: 'insert', index: 0, name, value }]
    return present.map((variable) => ({ kind: 'set', variable, value }))
  })
}
