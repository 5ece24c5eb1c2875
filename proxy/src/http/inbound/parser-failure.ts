import { METHODS } from 'node:http'
import { ProxyError } from '../../errors.ts'

/** What Node says of bytes that are no request. */
export interface ParserError extends NodeJS.ErrnoException {
  readonly rawPacket?: Buffer
}

/** RFC 9110 §5.6.2; the bound is about what a method may be long. SECURITY: nothing but letters and signs of a token goes into an answer. */
const METHOD = /^([!#$%&'*+.^_`|~\dA-Za-z-]{1,32}) /
const AROUND = 'For a host without a rule, outbound-jwt.io/no-proxy leads around the proxy.'

/** @returns what the client is told; by llhttp's and Node's codes. */
export function parserFailure(cause: ParserError): ProxyError {
  switch (cause.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new ProxyError('headers_too_large', { cause })
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ProxyError('request_timeout', { cause })
    case 'HPE_INVALID_CONTENT_LENGTH':
    case 'HPE_UNEXPECTED_CONTENT_LENGTH':
    case 'HPE_INVALID_TRANSFER_ENCODING':
    case 'HPE_INVALID_CHUNK_SIZE':
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new ProxyError('ambiguous_framing', { cause })
    case 'HPE_INVALID_METHOD':
      return invalidMethod(cause)
    case 'HPE_INVALID_URL':
      return new ProxyError('malformed_request', {
        message: 'The URL has bytes that it must have percent-encoded, such as UTF-8 or control characters.',
        hint: `Percent-encode the path and query (RFC 3986 section 2.1). ${AROUND}`,
        cause,
      })
    default:
      return new ProxyError('malformed_request', { cause })
  }
}

/** Node's parser knows a list of methods, and takes any other for something that is not HTTP. */
function invalidMethod(cause: ParserError): ProxyError {
  const method = METHOD.exec(cause.rawPacket?.toString('latin1', 0, 40) ?? '')?.[1]
  if (method === undefined || METHODS.includes(method)) return new ProxyError('malformed_request', { cause })
  return new ProxyError('malformed_request', {
    message: `The method ${method} is not one the proxy can forward.`,
    hint: `Use a registered method; Vault takes GET with ?list=true for LIST. ${AROUND}`,
    cause,
  })
}
