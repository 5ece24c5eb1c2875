// Reads what a server said on a raw connection.

/** Interim answers are not the answer. RFC 9110 §15.2. */
export const withoutInterim = (received: string): string =>
  received.replace(/^(?:HTTP\/1\.1 1(?!01)\d\d [^\r\n]*\r\n\r\n)+/, '')

/** @returns the status of the answer, `closed` when there is none. @throws when what came is not HTTP. */
export function statusOf(received: string): string {
  const answer = withoutInterim(received)
  if (answer === '') return 'closed'
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]
  if (status === undefined) throw new Error(`an answer that is no HTTP: ${JSON.stringify(received.slice(0, 500))}`)
  return status
}

/** Whether everything the head promises has come; without a length the end of the connection is the end. */
export function isWhole(received: string): boolean {
  const answer = withoutInterim(received)
  const end = answer.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = /\r\ncontent-length: (\d+)/i.exec(answer.slice(0, end))?.[1]
  return length !== undefined && answer.length >= end + 4 + Number(length)
}

/** Whether the end of a connection cut an answer off. */
export function isCutOff(received: string): boolean {
  const answer = withoutInterim(received)
  return answer !== '' && !isWhole(answer) && (!answer.includes('\r\n\r\n') || /\r\ncontent-length: /i.test(answer))
}
