// The floor: node:https with nothing but the parsing of the body and a constant answer.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

const [port, cert = '', key = ''] = process.argv.slice(2)
const answer = JSON.stringify({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  response: { allowed: true },
})

// Idle while the other contender has its round.
const keepAliveTimeout = 120_000

createServer({ cert: readFileSync(cert), key: readFileSync(key), keepAliveTimeout }, (request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    JSON.parse(Buffer.concat(chunks).toString())
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length })
    response.end(answer)
  })
}).listen(Number(port), '127.0.0.1')
