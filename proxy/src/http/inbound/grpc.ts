import { DEFAULT_GRPC_STATUS } from '../../errors.ts'
import type { ProxyError } from '../../errors.ts'
import type { RawHeaders } from '../headers.ts'
import type { OwnResponse } from './error-response.ts'
import { describingFields } from './error-response.ts'

/** gRPC, with or without the name of its message format; not grpc-web, which is plain HTTP. Source: gRPC over HTTP2, Requests. */
const CONTENT_TYPE = /^application\/grpc(?:[+;]|$)/i

/** @param headers with names in lower case. */
export function isGrpc(headers: RawHeaders): boolean {
  return headers.some((name, index) => index % 2 === 0 && name === 'content-type' && isContentType(headers[index + 1]))
}

const isContentType = (value: string | undefined): boolean => value !== undefined && CONTENT_TYPE.test(value)

/** A response of the proxy's own as gRPC has it: a head and nothing else. Source: gRPC over HTTP2, Responses. */
export function grpcErrorResponse(error: ProxyError): OwnResponse {
  const headers = ['content-type', 'application/grpc', ...grpcErrorTrailers(error), ...describingFields(error)]
  return { status: 200, headers, body: '' }
}

/** What ends a response that cannot go on. */
export function grpcErrorTrailers({ code, hint, message, row }: ProxyError): string[] {
  const status = String(row.grpcStatus ?? DEFAULT_GRPC_STATUS)
  return ['grpc-status', status, 'grpc-message', encodeMessage(`${code}: ${message} ${hint}`)]
}

/** Source: gRPC over HTTP2, Status-Message. */
function encodeMessage(text: string): string {
  return text.replaceAll(/[^\x20-\x24\x26-\x7e]+/g, (part) =>
    Array.from(Buffer.from(part), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}
