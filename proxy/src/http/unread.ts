import { HOLDS } from './memory.ts'
import type { MemoryBudget, Shortage } from './memory.ts'

/** A response, or a tunnel, whose bytes wait until their reader takes them. */
export interface Unread {
  /** Ends it at once, and frees what was not read, here and in the kernel. */
  letGo(): void
}

interface Wait {
  /** Looks since its reader has stopped. */
  looks: number
  isPaid: boolean
}

/** How often is looked at those that wait. Whoever has read nothing from one look to the next pays; who is only slow has read by then. */
const LOOK_MS = 500
/**
 * As many may wait while memory is short, unless it nearly ends: they hold a quarter of the usual limit at most. A process that has been busy
 * keeps its memory, so that it may be short for as long as it lives, and a client that pauses is nothing that should be ended for that.
 */
const FEW = 8
/** Of those that wait, as many are let go at each look while memory is short: what they free is known only some time later. */
const LET_GO = 1 / 4
const SPARED: Readonly<Record<Shortage, number>> = { none: Infinity, some: FEW, severe: 0 }

/**
 * The book of what is not read.
 * SECURITY: it is held here, and megabytes more of it in the kernel, which no limit of requests or connections counts. It is paid for out of
 * what requests leave over. Those that have waited longest are let go when the process is about to be killed, and one of them at a time when
 * nobody else gets a request or a connection. Not sooner: many that read slowly, and do read, hold less than is counted.
 */
export class UnreadBook {
  private readonly memory: MemoryBudget
  /** Longest first. */
  private readonly waits = new Map<Unread, Wait>()
  private looking: NodeJS.Timeout | undefined

  constructor(memory: MemoryBudget) {
    this.memory = memory
  }

  /** Its reader takes nothing more for now. */
  begin(unread: Unread): void {
    if (this.waits.has(unread)) return
    this.waits.set(unread, { looks: 0, isPaid: false })
    this.looking ??= setInterval(() => this.look(), LOOK_MS).unref()
  }

  /** Its reader goes on, or is gone. */
  end(unread: Unread): void {
    const wait = this.waits.get(unread)
    if (!wait) return
    this.waits.delete(unread)
    if (wait.isPaid) this.memory.requests.gives(HOLDS.unread)
  }

  private look(): void {
    const { connections, requests } = this.memory
    // Both are asked: what was refused before now is over with this look.
    const isRefused = [requests, connections].map((share) => share.hasRefused()).includes(true)
    const late: Unread[] = []
    for (const [unread, wait] of this.waits) {
      if (wait.looks++ === 0) continue
      wait.isPaid ||= requests.takesSpare(HOLDS.unread)
      late.push(unread)
    }
    const spared = SPARED[this.memory.shortage()]
    const count = Math.max(Math.ceil((late.length - spared) * LET_GO), Number(isRefused))
    for (const unread of late.slice(0, count)) {
      this.end(unread)
      unread.letGo()
    }
    // Here, because most waits are shorter than a timer is worth.
    if (this.waits.size > 0) return
    clearInterval(this.looking)
    this.looking = undefined
  }
}
