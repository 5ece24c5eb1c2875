const describe = (error) => (error.cause ? `${error.message}: ${describe(error.cause)}` : error.message)

try {
  const response = await globalThis.fetch(process.argv[2], { signal: globalThis.AbortSignal.timeout(8000) })
  console.log('status', response.status)
  await response.text()
} catch (error) {
  console.log('error', describe(error))
}
