import type { Route, TokenFile } from '../contract.ts'
import { VARIABLES, sdkTaker, tokenWarnings } from '../contract.ts'
import { ANY_HOST } from '../routing/rules.ts'
import type { StandaloneValues } from './checks.ts'
import type { Given } from './mode.ts'
import { isGiven } from './mode.ts'

/** Something an operator should know, logged once at start. */
export interface ConfigWarning {
  readonly message: string
  readonly hint: string
}

const UNRESTRICTED: ConfigWarning = {
  message: 'whoever reaches this listener can have a token sent to any host',
  hint: 'List the hosts in ALLOWED_HOSTS instead of *.',
}
const CLEAR_TEXT: ConfigWarning = {
  message: 'tokens leave in clear text',
  hint: 'Set UPSTREAM_SCHEME=https.',
}
const LOOPBACK: ConfigWarning = {
  message: 'listening on loopback only',
  hint: 'Set LISTEN_ADDR=:8080 to serve other pods, as aws-outbound-jwt-proxy does by default, or 127.0.0.1:8080 to silence this.',
}
const NOTHING: ConfigWarning = {
  message: 'no upstream is configured: requests pass without a token, and requests in origin form are refused',
  hint: 'Set UPSTREAM_HOST or ALLOWED_HOSTS to run standalone, or ROUTES as the webhook does.',
}

export function standaloneWarnings(values: StandaloneValues, given: Given): readonly ConfigWarning[] {
  const warnings: ConfigWarning[] = []
  if (values.allowedHosts.includes(ANY_HOST)) warnings.push(UNRESTRICTED)
  if (values.upstreamScheme === 'http') warnings.push(CLEAR_TEXT)
  if (!isGiven(given, VARIABLES.listenAddr)) warnings.push(LOOPBACK)
  return warnings
}

/** @param routes those of ROUTES. @param files those of TOKEN_FILES. */
export function sidecarWarnings(routes: readonly Route[], files: readonly TokenFile[]): readonly ConfigWarning[] {
  if (routes.length === 0 && files.length === 0) return [NOTHING]
  return [
    ...routes.flatMap((route) =>
      tokenWarnings(route).map(({ found, hint }) => ({ message: `route ${route.name}: ${found}`, hint })),
    ),
    ...files.flatMap((file) =>
      tokenWarnings(file, file.sdk && sdkTaker(file.sdk)).map(({ found, hint }) => ({
        message: `token file ${file.name}: ${found}`,
        hint,
      })),
    ),
  ]
}
