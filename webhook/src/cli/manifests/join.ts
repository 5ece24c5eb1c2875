/** @returns documents as one text; every one but the first begins with `---`. */
export function joinDocuments(documents: readonly string[]): string {
  const parts: string[] = []
  for (const document of documents.slice(documents.findIndex((text) => text !== ''))) {
    if (parts.length > 0 && !parts.at(-1)?.endsWith('\n')) parts.push('\n')
    if (parts.length > 0 && !hasMarker(document)) parts.push('---\n')
    if (document !== '') parts.push(document)
  }
  return parts.join('')
}

/**
 * @returns whether `---` stands before anything that has a meaning.
 * SECURITY: line by line. A pattern remembers every line that it could go back to, and a file may begin with millions of them.
 */
function hasMarker(document: string): boolean {
  for (let start = 0, end = 0; end >= 0; start = end + 1) {
    if (document.startsWith('---', start)) return true
    end = document.indexOf('\n', start)
    const line = document.slice(start, end).trimStart()
    if (line !== '' && !line.startsWith('#')) return false
  }
  return false
}
