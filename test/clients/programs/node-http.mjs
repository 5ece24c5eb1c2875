import http from 'node:http'
import https from 'node:https'

const url = process.argv[2]
const request = (url.startsWith('https:') ? https : http).get(url, { timeout: 8000 }, (response) => {
  console.log('status', response.statusCode)
  response.resume()
})
request.on('error', (error) => console.log('error', error.message))
