import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SETTINGS, readConfig } from '../../../proxy/src/config.ts'
import { readFlags } from '../../../proxy/src/flags.ts'
import { STANDALONE_SETTINGS } from '../../../proxy/src/standalone/settings.ts'

/** Every flag of gp42/aws-outbound-jwt-proxy v0.3.1, with its default or else a value from its documentation. */
const EARLIER_FLAGS: Readonly<Record<string, string>> = {
  'listen-addr': ':8080',
  'upstream-host': 'api.example.com',
  'upstream-scheme': 'https',
  'host-header': 'X-Upstream-Host',
  'upstream-timeout': '30s',
  'token-audience': 'https://api.example.com',
  'token-signing-algorithm': 'RS256',
  'token-duration': '1h',
  'token-refresh-skew': '5m',
  'log-level': 'info',
  'log-format': 'json',
  'tls-cert': '/etc/proxy/cert.pem',
  'tls-key': '/etc/proxy/key.pem',
  'metrics-enabled': 'true',
  'metrics-listen-addr': ':9090',
  'metrics-path': '/metrics',
}
/** Its metrics and log messages, which dashboards and alerts name. */
const EARLIER_NAMES = [
  'http_server_request_duration_seconds',
  'http_server_active_requests',
  'http_client_request_duration_seconds',
  'token_fetch_count_total',
  'token_cache_hit_count_total',
  'token_cache_miss_count_total',
  'token_cached_audiences',
  'token_result',
  'otel_scope_*',
  'token injection failed',
  'upstream error',
  'server starting',
  'metrics listener starting',
  'audience resolver selected',
  'replacing inbound Authorization header',
  'shutdown requested',
]

describe('moving from aws-outbound-jwt-proxy', () => {
  const page = readFileSync('docs/migrating-from-aws-outbound-jwt-proxy.md', 'utf8')
  const variableOf = (flag: string): string => flag.toUpperCase().replaceAll('-', '_')

  it('keeps its command line', () => {
    const flags = Object.entries(EARLIER_FLAGS).map(([name, value]) => `--${name}=${value}`)
    const config = readConfig({}, readFlags(SETTINGS, flags))
    expect(config.routes[0]).to.deep.include({
      hosts: ['api.example.com'],
      audience: ['https://api.example.com'],
      durationSeconds: 3600,
    })
  })

  it('keeps its environment', () => {
    const environment = Object.fromEntries(
      Object.entries(EARLIER_FLAGS).map(([name, value]) => [variableOf(name), value]),
    )
    expect(readConfig(environment)).to.include({ isStandalone: true, tokenRefreshSkewSeconds: 300 })
  })

  it('has a page that names every flag and variable, of before and of now', () => {
    for (const flag of Object.keys(EARLIER_FLAGS)) expect(page).to.contain(`\`--${flag}\` \`${variableOf(flag)}\``)
    for (const { variable } of Object.values(STANDALONE_SETTINGS)) expect(page).to.contain(`\`${variable}`)
  })

  it('has a page that names every metric and log message of before', () => {
    for (const name of EARLIER_NAMES) expect(page).to.contain(name)
  })
})
