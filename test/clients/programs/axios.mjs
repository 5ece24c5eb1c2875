import axios from 'axios'

try {
  const { status } = await axios.get(process.argv[2], { timeout: 8000, validateStatus: () => true })
  console.log('status', status)
} catch (error) {
  console.log('error', error.message)
}
