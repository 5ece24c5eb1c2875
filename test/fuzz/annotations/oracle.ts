// Reads from annotations whom a pod named, by other means than the product: WHATWG URLs and another YAML parser.
import { CORE_SCHEMA, load } from 'js-yaml'

/** A partner in the spelling the proxy uses, and what its tokens are for; no audience means the host's own. */
export interface Partner {
  readonly host: string
  readonly audience: readonly string[]
}

/** YAML 1.2.2 §5.1; the other parser refuses them anywhere. */
const NON_PRINTABLE = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u

export class UnreadError extends Error {}

type Annotations = Readonly<Record<string, string>>

/** @returns partners by annotations that are known to be allowed. @throws when it cannot make sense of them. */
export function readPartners(annotations: Annotations): readonly Partner[] {
  const {
    'outbound-jwt.io/routes': routes,
    'outbound-jwt.io/hosts': hosts,
    'outbound-jwt.io/audience': audience,
  } = annotations
  if (routes !== undefined) return readRoutes(routes)
  if (hosts !== undefined)
    return items(hosts).map((text) => ({ host: hostOf(text), audience: audience === undefined ? [] : items(audience) }))
  return items(audience ?? '').map((text) => ({ host: new URL(text).host.replace(/\.(?=$|:)/, ''), audience: [text] }))
}

/** @throws UnreadError for characters that YAML forbids, which the product's parser lets pass inside of values. */
function readRoutes(text: string): readonly Partner[] {
  if (NON_PRINTABLE.test(text)) throw new UnreadError()
  const routes = load(text, { schema: CORE_SCHEMA }) as readonly {
    hosts: readonly string[]
    audience?: readonly string[]
  }[]
  return routes.flatMap(({ hosts, audience = [] }) => hosts.map((host) => ({ host: hostOf(host), audience })))
}

const items = (text: string): readonly string[] => text.split(',').map((item) => item.trim())

function hostOf(text: string): string {
  const wildcard = text.startsWith('*.')
  const url = new URL(`https://${wildcard ? text.slice(2) : text}`)
  if (url.pathname !== '/' || url.username !== '' || url.search !== '' || url.hash !== '')
    throw new Error(`more than a host: ${JSON.stringify(text)}`)
  return `${wildcard ? '*.' : ''}${url.host.replace(/\.(?=$|:)/, '')}`
}

/** Whether a host was named: itself, or by a suffix it is below of. Ports aside. */
export function isNamed(host: string, partners: readonly Partner[]): boolean {
  return partners.some(({ host: named }) => {
    const bare = named.replace(/:\d+$/, '')
    return bare.startsWith('*.') ? host.endsWith(bare.slice(1)) : host === bare
  })
}
