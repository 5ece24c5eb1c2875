// Preload (`node --import`): lets names of the tests resolve to this machine, as DNS would.
// RESOLVE_HOSTS is a comma separated list of name=address; `*.example=address` is for every name one label below.
// A name with an empty address does not exist, whatever DNS there is.
// NAME_SERVERS is what `dns.setServers` takes, for names that are asked for by DNS itself.
// Without an import, which the bundles do not have either: their memory is measured with it.
const dns = process.getBuiltinModule('node:dns')

const addresses = new Map(
  (process.env.RESOLVE_HOSTS ?? '')
    .split(',')
    .filter(Boolean)
    .map((entry) => entry.split('=')),
)
const { lookup, promises } = dns

const servers = process.env.NAME_SERVERS
if (servers)
  promises.Resolver = class extends promises.Resolver {
    constructor(options) {
      super(options)
      this.setServers(servers.split(','))
    }
  }

dns.lookup = (hostname, options, callback) => {
  const done = callback ?? options
  const address = addresses.get(hostname) ?? addresses.get(hostname.replace(/^[^.]*/, '*'))
  if (address === undefined) return lookup(hostname, options, callback)
  const all = typeof options === 'object' && options.all === true
  if (address === '') {
    process.nextTick(done, Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: 'ENOTFOUND' }))
    return
  }
  process.nextTick(() => (all ? done(null, [{ address, family: 4 }]) : done(null, address, 4)))
}
