import type { Http2Stream } from 'node:http2'

/**
 * Makes a stream clear its timeout when it is destroyed. Node clears that of a stream that is closed; on one that is destroyed first, with its
 * session or by a signal, `setTimeout(0)` does nothing, and the timer keeps all of the request in memory until it is due (Node 26.10).
 */
export function clearTimeoutOnDestroy(stream: Http2Stream): void {
  const destroy = stream.destroy.bind(stream)
  stream.destroy = (error) => {
    stream.setTimeout(0)
    return destroy(error)
  }
}
