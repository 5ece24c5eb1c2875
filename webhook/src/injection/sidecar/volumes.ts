/** How the name of every volume begins that injection adds. */
export const VOLUME_PREFIX = 'aws-outbound-jwt-'

/** SECURITY: the volumes that applications may mount, read-only. All others of the prefix are the sidecar's alone. */
export const SHARED_VOLUMES: readonly string[] = [`${VOLUME_PREFIX}trust`, `${VOLUME_PREFIX}tokens`]
