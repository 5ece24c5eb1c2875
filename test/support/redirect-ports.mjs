// Preload (`node --import`): leads TLS connections to hosts whose port is fixed to another port of the tests.
// REDIRECT_PORTS is a comma separated list of name=port.
const tls = process.getBuiltinModule('node:tls')

const ports = new Map(
  (process.env.REDIRECT_PORTS ?? '')
    .split(',')
    .filter(Boolean)
    .map((entry) => entry.split('=')),
)
const { connect } = tls

tls.connect = (options, ...rest) => {
  const port = ports.get(options.host)
  return connect(port === undefined ? options : { ...options, port: Number(port) }, ...rest)
}
