// An API behind HAProxy, which verifies tokens itself (`jwt_verify`) with keys from files.
import { spawn } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'

import { answer } from './job.mjs'
import { ask } from './protect.mjs'

await answer(async job => {
  const { keys } = await (await fetch(`${job.issuer}/oauth2/keys`)).json()
  const port = await freePort()
  writeFileSync('haproxy.cfg', configuration(job, keys, port))
  // Debian keeps it where only the administrator's path looks.
  const program = ['/usr/sbin/haproxy', '/usr/local/sbin/haproxy'].find(existsSync) ?? 'haproxy'
  const haproxy = spawn(program, ['-db', '-f', 'haproxy.cfg'], { stdio: 'inherit' })
  const failed = once(haproxy, 'error').then(([error]) => { throw error })
  try {
    const url = `http://127.0.0.1:${port}/`
    await Promise.race([untilItAnswers(url), failed])
    return { statuses: await ask(url, job.tokens) }
  } finally {
    haproxy.kill()
  }
})

/** One rule for each key: HAProxy wants to be told which key and algorithm verify. */
function configuration (job, keys, port) {
  const rules = keys.filter(key => ['RS256', 'ES256'].includes(key.alg)).map((key, at) => {
    const file = `key${at}.pem`
    writeFileSync(file, createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' }))
    return `  http-request set-var(txn.good) bool(true) if { var(txn.alg) -m str ${key.alg} } ` +
      `{ var(txn.kid) -m str ${key.kid} } { http_auth_bearer,jwt_verify(txn.alg,"${process.cwd()}/${file}") -m int 1 }`
  })
  return `
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 10s

frontend api
  bind 127.0.0.1:${port}
  http-request set-var(txn.alg) http_auth_bearer,jwt_header_query('$.alg')
  http-request set-var(txn.kid) http_auth_bearer,jwt_header_query('$.kid')
  http-request set-var(txn.typ) http_auth_bearer,jwt_header_query('$.typ')
  http-request set-var(txn.iss) http_auth_bearer,jwt_payload_query('$.iss')
  http-request set-var(txn.aud) http_auth_bearer,jwt_payload_query('$.aud')
  http-request set-var(txn.exp) http_auth_bearer,jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
${rules.join('\n')}
  http-request return status 401 unless { var(txn.good) -m bool } { var(txn.typ) -m str at+jwt }
  http-request return status 401 unless { var(txn.iss) -m str ${job.issuer} } { var(txn.aud) -m str ${job.audience} }
  http-request return status 401 if { var(txn.exp),sub(txn.now) -m int le 0 }
  http-request return status 200
`
}

async function freePort () {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

async function untilItAnswers (url) {
  for (let tries = 0; tries < 100; tries++) {
    try {
      return await fetch(url)
    } catch {
      await pause(50)
    }
  }
  throw new Error('HAProxy does not answer')
}
