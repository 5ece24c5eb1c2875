import grpc from '@grpc/grpc-js'

const url = new URL(process.argv[2])
const isSecure = url.protocol === 'https:'
const credentials = isSecure ? grpc.credentials.createSsl() : grpc.credentials.createInsecure()
const client = new grpc.Client(`${url.hostname}:${isSecure ? 443 : 80}`, credentials)
const same = (value) => value
const deadline = Date.now() + 3000
client.makeUnaryRequest('/demo.Demo/Call', same, same, Buffer.alloc(0), { deadline }, (error) => {
  if (error) console.log('error', error.message)
  else console.log('status', 200)
  client.close()
})
