const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** Values become elements; lists become `<member>` elements. */
export type XmlValue = string | { readonly [name: string]: XmlValue }

export interface WireError {
  readonly code: string
  readonly message: string
  readonly status: number
}

/** @returns the body of a successful Query API answer. */
export function successXml(action: string, result: XmlValue, requestId: string): string {
  const content = { [`${action}Result`]: result, ResponseMetadata: { RequestId: requestId } }
  return `<${action}Response xmlns="${NAMESPACE}">${render(content)}</${action}Response>`
}

/** @returns the body of an error answer. */
export function errorXml({ code, message, status }: WireError, requestId: string): string {
  const Type = status < 500 ? 'Sender' : 'Receiver'
  const content = { Error: { Type, Code: code, Message: message }, RequestId: requestId }
  return `<ErrorResponse xmlns="${NAMESPACE}">${render(content)}</ErrorResponse>`
}

function render(value: XmlValue): string {
  if (typeof value === 'string') return value.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`)
  return Object.entries(value)
    .map(([name, content]) => `<${name}>${render(content)}</${name}>`)
    .join('')
}
