// What every protected API here shares: it answers each token of the job, and says which it let in;
// or it says where it is, and serves until its input ends.
import { createServer } from 'node:http'
import { once } from 'node:events'

import { inputEnds } from './job.mjs'

/** Lets `api`, a request listener, do what the job asks for. */
export async function protect (api, job) {
  const server = createServer(api).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}/`
  if (job.operation === 'serve') return { url, until: inputEnds }
  try {
    return { statuses: await ask(url, job.tokens) }
  } finally {
    server.close()
  }
}

/** The status that an API answers to each token. */
export async function ask (url, tokens) {
  const statuses = {}
  for (const [name, token] of Object.entries(tokens)) {
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    await response.arrayBuffer()
    statuses[name] = response.status
  }
  return statuses
}

/**
 * How long a verifier built on `jose` keeps the key set, and how long it waits before it asks again
 * because of an unknown key: half a minute where the set may be kept for five, and as much less
 * where the job shortens that.
 */
export function keySetTimes (job) {
  if (job.key_set_seconds === undefined) return {}
  return { cacheMaxAge: job.key_set_seconds * 1000, cooldownDuration: job.key_set_seconds * 100 }
}
