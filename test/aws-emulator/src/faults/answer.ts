import type { Reply } from '../http/reply.ts'
import { json } from '../http/reply.ts'
import { wireError } from '../query/errors.ts'
import { errorXml } from '../query/xml.ts'
import type { Fault, FaultKind } from './fault.ts'

/** The answer that a fault gives instead of the service. @returns undefined when the service is asked all the same. */
export function answerInstead(fault: Fault, operation: string): Reply | undefined {
  switch (fault.kind) {
    case 'error':
      return errorReply(fault, operation)
    case 'html':
      return { status: fault.status ?? 502, contentType: 'text/html', body: PAGE }
    case 'empty':
      return { status: fault.status ?? 200, contentType: 'text/xml', body: '' }
    case 'empty-result':
      return {
        status: 200,
        contentType: 'text/xml',
        body: `<${operation}Response><${operation}Result/></${operation}Response>`,
      }
    default:
      return undefined
  }
}

const PAGE = '<html>\n<head><title>502 Bad Gateway</title></head>\n<body><h1>502 Bad Gateway</h1></body>\n</html>\n'

/** Operations that answer in JSON. */
const JSON_OPERATIONS = ['Discovery', 'Jwks', 'ClusterDiscovery', 'ClusterJwks', 'PodIdentity']

function errorReply(fault: Fault & { kind: 'error' }, operation: string): Reply {
  const { code, retryAfterSeconds } = fault
  const [knownStatus, knownMessage] = wireError(code)
  const { status = knownStatus, message = knownMessage } = fault
  const reply = JSON_OPERATIONS.includes(operation)
    ? json(status, { code, message })
    : { status, contentType: 'text/xml', body: errorXml({ code, message, status }, 'injected-fault', '') }
  return retryAfterSeconds === undefined ? reply : { ...reply, headers: { 'retry-after': String(retryAfterSeconds) } }
}

/** What a fault does to the text of a real answer. */
export function rewrite(reply: Reply, kind: FaultKind): Reply {
  if (kind === 'malformed-xml') return { ...reply, body: reply.body.slice(0, Math.floor(reply.body.length / 2)) }
  if (kind === 'no-expiration') return { ...reply, body: reply.body.replace(/<Expiration>[^<]*<\/Expiration>/, '') }
  return reply
}
