// A worker that says when a request is due. Node's timers count in whole milliseconds; a thread that sleeps on a futex is 0.1 ms late.
import { parentPort, workerData } from 'node:worker_threads'
import { monotonicMs } from './clock.ts'

const { perSecond, seconds } = workerData as { readonly perSecond: number; readonly seconds: number }
/** Nobody wakes it. */
const cell = new Int32Array(new SharedArrayBuffer(4))
/** The other side is ready to listen by then. */
const startMs = monotonicMs() + 100

for (let index = 0; index < perSecond * seconds; index++) {
  const dueMs = startMs + (index * 1000) / perSecond
  for (let left = dueMs - monotonicMs(); left > 0; left = dueMs - monotonicMs()) Atomics.wait(cell, 0, 0, left)
  parentPort?.postMessage(dueMs)
}
