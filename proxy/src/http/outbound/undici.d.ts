// undici's index loads fetch, WebSocket and caches as well: 30 ms and 12 MB that a proxy never uses. These files are what it needs of it.
declare module 'undici/lib/dispatcher/client.js' {
  import { Client } from 'undici'
  export default Client
}
declare module 'undici/lib/core/connect.js' {
  import { buildConnector } from 'undici'
  export default buildConnector
}
declare module 'undici/lib/core/symbols.js' {
  const symbols: {
    /** Key under which a connected socket has its parser of HTTP/1.1. */
    readonly kParser: unique symbol
  }
  export default symbols
}
