/**
 * @returns the code that Node and its libraries give their errors, such as `ECONNRESET`; undefined for everything else that may be thrown.
 * Where a connection failed at several addresses, Node reports all failures as one whose code is the first one's.
 */
export function errorCode(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}
