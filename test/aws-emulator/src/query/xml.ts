/** Values become elements; lists become `<member>` elements. */
export type XmlValue = string | { readonly [name: string]: XmlValue }

export interface WireError {
  readonly code: string
  readonly message: string
  readonly status: number
}

export interface Success {
  readonly action: string
  readonly result: XmlValue
  readonly requestId: string
  readonly xmlns: string
}

/** @returns the body of a successful Query API answer. */
export function successXml({ action, result, requestId, xmlns }: Success): string {
  const content = { [`${action}Result`]: result, ResponseMetadata: { RequestId: requestId } }
  return `<${action}Response xmlns="${xmlns}">${render(content)}</${action}Response>`
}

/** @returns the body of an error answer. */
export function errorXml({ code, message, status }: WireError, requestId: string, xmlns: string): string {
  const Type = status < 500 ? 'Sender' : 'Receiver'
  const content = { Error: { Type, Code: code, Message: message }, RequestId: requestId }
  return `<ErrorResponse xmlns="${xmlns}">${render(content)}</ErrorResponse>`
}

function render(value: XmlValue): string {
  if (typeof value === 'string') return value.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`)
  return Object.entries(value)
    .map(([name, content]) => `<${name}>${render(content)}</${name}>`)
    .join('')
}
