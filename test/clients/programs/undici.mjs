const [library, url] = process.argv.slice(2)
const { EnvHttpProxyAgent, request } = await import(library)

try {
  const { statusCode, body } = await request(url, { dispatcher: new EnvHttpProxyAgent(), headersTimeout: 8000 })
  console.log('status', statusCode)
  await body.dump()
} catch (error) {
  console.log('error', error.message)
}
