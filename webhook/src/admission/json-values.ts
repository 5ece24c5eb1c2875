const BACKSLASH = 0x5c
const QUOTE = 0x22
const COMMA = 0x2c
const LIST = 0x5b
const OBJECT = 0x7b

/**
 * Bounds what parsing would put into memory: 2 characters of text can be an object of 64 bytes. What is inside strings is not counted.
 * Right for JSON, and for other texts as far as a parser would read them (RFC 8259 §2).
 * @returns whether a text has more commas and opening brackets than `most`: every value has one of its own, or is the first of a list or object.
 */
export function hasMoreValues(text: string, most: number): boolean {
  // It cannot have more than characters: a review of the usual size costs nothing.
  if (text.length <= most) return false
  let marks = 0
  let isInString = false
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code === QUOTE) isInString = !isInString
    else if (isInString && code === BACKSLASH) index += 1
    else if (!isInString && (code === COMMA || code === LIST || code === OBJECT) && (marks += 1) > most) return true
  }
  return false
}
