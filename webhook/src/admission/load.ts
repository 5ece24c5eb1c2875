/** What is in flight, bounded, so that a flood ends in refusals and not in a killed process. */
export interface Load {
  /** @returns a function that gives the place back, to be called once; undefined when there is none. */
  admit(bodyBytes: number): (() => void) | undefined
  readonly requests: number
}

export interface LoadLimits {
  readonly requests: number
  /** Of all bodies together. */
  readonly bytes: number
}

export function createLoad({ requests: mostRequests, bytes: mostBytes }: LoadLimits): Load {
  let requests = 0
  let bytes = 0
  return {
    get requests() {
      return requests
    },
    admit: (bodyBytes) => {
      if (requests + 1 > mostRequests || bytes + bodyBytes > mostBytes) return undefined
      requests += 1
      bytes += bodyBytes
      return () => {
        requests -= 1
        bytes -= bodyBytes
      }
    },
  }
}
