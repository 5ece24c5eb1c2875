/**
 * Reads a body into memory.
 * @returns its text; undefined, without reading on, once it is longer than allowed.
 * @throws what the stream throws.
 */
export async function readText(body: AsyncIterable<Uint8Array>, mostBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > mostBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
