// What every protected API here shares: it answers each token of the job, and says which it let in.
import { createServer } from 'node:http'
import { once } from 'node:events'

/** Asks `api`, a request listener, with each token; gives the status of each answer. */
export async function statuses (api, tokens) {
  const server = createServer(api).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await ask(`http://127.0.0.1:${server.address().port}/`, tokens)
  } finally {
    server.close()
  }
}

/** The same of an API that runs elsewhere. */
export async function ask (url, tokens) {
  const statuses = {}
  for (const [name, token] of Object.entries(tokens)) {
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    await response.arrayBuffer()
    statuses[name] = response.status
  }
  return statuses
}
