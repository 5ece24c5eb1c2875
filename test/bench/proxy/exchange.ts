import type { Socket } from 'node:net'

/** HTTP/1.1, a request at a time, always the same one. */
export interface Connection {
  /** Calls back when the whole answer is there. One at a time. */
  send(done: Done): void
  close(): void
}

type Done = (error?: Error) => void

/** Sends a request, and waits for 200 with a Content-Length and its whole body. */
export function exchangeOver(socket: Socket, request: Buffer): Connection {
  let received = ''
  let done: Done | undefined
  const settle = (error?: Error): void => {
    const waiting = done
    done = undefined
    received = ''
    waiting?.(error)
  }
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1')
    const head = received.indexOf('\r\n\r\n')
    if (head < 0) return
    const length = /^content-length: (\d+)\r$/im.exec(received)?.[1]
    if (!received.startsWith('HTTP/1.1 200 ') || length === undefined) settle(new Error(received.slice(0, head)))
    else if (received.length >= head + 4 + Number(length)) settle()
  })
  socket.on('error', settle)
  socket.on('close', () => settle(new Error('a connection in use was closed')))
  return {
    send: (whenDone) => {
      done = whenDone
      if (socket.destroyed) settle(new Error('an idle connection was closed'))
      else socket.write(request)
    },
    close: () => socket.destroy(),
  }
}
