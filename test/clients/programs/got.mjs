import got from 'got'

try {
  const options = { timeout: { request: 8000 }, retry: { limit: 0 }, throwHttpErrors: false }
  const { statusCode } = await got(process.argv[2], options)
  console.log('status', statusCode)
} catch (error) {
  console.log('error', error.message)
}
