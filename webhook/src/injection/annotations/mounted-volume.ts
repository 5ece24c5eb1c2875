import type { MountedObject } from '@aws-outbound-jwt-injector/proxy/contract'

/** An object that a route names, as a volume of the pod and its mount in the sidecar. */
export interface MountedVolume {
  readonly volume: { readonly name: string } & MountedObject['source']
  readonly mount: { readonly name: string; readonly mountPath: string; readonly readOnly: true }
}

/** @param index of the route, so that two routes never share a volume. */
export function mountedVolume({ purpose, source }: MountedObject, index: number): MountedVolume {
  const name = `aws-outbound-jwt-${purpose}-${index}`
  return {
    volume: { name, ...source },
    mount: { name, mountPath: `/var/run/secrets/outbound-jwt.io/${purpose}/${index}`, readOnly: true },
  }
}
