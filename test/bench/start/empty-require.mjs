// The same without an import, which would run Node's own fetch: the least that a Node HTTP server costs.
const { createServer } = process.getBuiltinModule('node:http')

createServer((_, response) => response.end('ok')).listen(Number(process.env.PORT), '127.0.0.1')
