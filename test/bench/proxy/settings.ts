import { PARTNER_HOST, ROLE_ARN } from './world.ts'
import type { World } from './world.ts'

/**
 * What the measured proxy is told: one route to the partner, in the world of the bench, with real credentials for its STS.
 * @param fields of the route.
 */
export function proxySettings(
  world: World,
  port: number,
  routeHost: string,
  fields: object = {},
): Readonly<Record<string, string>> {
  return {
    LISTEN_ADDR: `127.0.0.1:${port}`,
    ADMIN_LISTEN_ADDR: '127.0.0.1:0',
    CONTROL_LISTEN_ADDR: '127.0.0.1:0',
    ROUTES: JSON.stringify([{ hosts: [routeHost], ...fields }]),
    UPSTREAM_CA_FILE: world.caFile,
    ALLOW_LOCAL_UPSTREAMS: 'true',
    AWS_REGION: 'eu-central-1',
    AWS_ENDPOINT_URL_STS: world.stsUrl,
    AWS_ROLE_ARN: ROLE_ARN,
    AWS_WEB_IDENTITY_TOKEN_FILE: world.tokenFile,
    AWS_EC2_METADATA_DISABLED: 'true',
    RESOLVE_HOSTS: `${PARTNER_HOST}=${world.address}`,
    LOG_LEVEL: 'warn',
  }
}
