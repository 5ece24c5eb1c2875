import type { Document } from './fetch.ts'
import type { Finding } from './report.ts'
import { INDISPENSABLE, REQUIRED_MEMBERS, STRICT_ABOUT_ISSUER } from './requirements.ts'

/** OpenID Connect Discovery 1.0 §4: appended to the issuer, whose trailing slash, if any, is removed first. */
export const configurationUrl = (issuer: string): string =>
  `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`

/** @returns where the keys are: as the configuration says, else where AWS has them. */
export function jwksUrl(issuer: string, configuration: Document): string {
  const named = configuration.ok ? configuration.json['jwks_uri'] : undefined
  return typeof named === 'string' ? named : `${issuer.replace(/\/$/, '')}/.well-known/jwks.json`
}

const BY_HAND = 'Give such a partner the issuer and the URL of the keys by hand'

/** @param issuer the `iss` of a token. */
export function discoveryFinding(issuer: string, configuration: Document): Finding {
  const url = configurationUrl(issuer)
  if (!configuration.ok) return unreachable('discovery', url, configuration.problem)
  const published = configuration.json['issuer']
  if (published !== issuer)
    return {
      id: 'discovery',
      verdict: 'fail',
      found: `The token's iss is ${issuer}, the configuration says ${JSON.stringify(published)}; compared byte for byte by ${STRICT_ABOUT_ISSUER.join('; ')}.`,
      fix: `${BY_HAND}, and have it accept the iss of the token.`,
    }
  const missing = Object.entries(REQUIRED_MEMBERS).filter(([member]) => configuration.json[member] === undefined)
  if (missing.length === 0) return { id: 'discovery', verdict: 'pass', found: `Complete at ${url}` }
  const found = `issuer equals iss; missing at ${url}: ${missing.map(([member, who]) => `${member} (refused by ${who.join(', ')})`).join('; ')}.`
  const fix = `${BY_HAND}: ${jwksUrl(issuer, configuration)}`
  if (missing.some(([member]) => INDISPENSABLE.includes(member)))
    return { id: 'discovery', verdict: 'fail', found, fix }
  // AWS publishes every account's so: a warning in each healthy pod would be read by nobody.
  return { id: 'discovery', verdict: 'pass', found: `${found} AWS publishes it so. ${fix}` }
}

/** @param verification undefined when the signature verifies, else why not. */
export function jwksFinding(url: string, keys: Document, verification: string | undefined): Finding {
  if (!keys.ok) return unreachable('jwks', url, keys.problem)
  const list = keysIn(keys)
  if (verification !== undefined)
    return {
      id: 'jwks',
      verdict: 'fail',
      found: `The token does not verify with any of the ${list.length} keys at ${url}: ${verification}.`,
      fix: 'Something between this pod and the issuer may answer in its place; compare with the same URL from elsewhere.',
    }
  const bare = list.filter((key) => typeof key !== 'object' || key === null || !('alg' in key)).length
  const found = `The token verifies with one of ${list.length} keys at ${url}`
  if (bare === 0) return { id: 'jwks', verdict: 'pass', found }
  return {
    id: 'jwks',
    verdict: 'warn',
    found: `${found}; ${bare} of them do not name their alg, which some partners want.`,
    fix: `Give such a partner the keys by hand, with alg added.`,
  }
}

/** @returns what can be said of the keys without a token. */
export function unverifiedFinding(url: string, keys: Document): Finding {
  if (!keys.ok) return unreachable('jwks', url, keys.problem)
  return {
    id: 'jwks',
    verdict: 'skip',
    found: `${keysIn(keys).length} keys at ${url}; no token was verified with them, because none was left after the exchange was refused.`,
  }
}

const keysIn = (document: Document): readonly unknown[] =>
  document.ok && Array.isArray(document.json['keys']) ? (document.json['keys'] as readonly unknown[]) : []

function unreachable(id: 'discovery' | 'jwks', url: string, problem: string): Finding {
  return {
    id,
    verdict: 'warn',
    found: `This pod cannot read ${url}: ${problem}.`,
    fix: `Partners read it, not this pod. From where they run: curl -i ${url}`,
  }
}
