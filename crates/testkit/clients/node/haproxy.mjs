// An API behind HAProxy, which verifies tokens itself (`jwt_verify`) with keys from files.
import { spawn } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'

import { answer, inputEnds } from './job.mjs'
import { ask } from './protect.mjs'

await answer(async job => {
  const url = `http://127.0.0.1:${await freePort()}/`
  const keys = await keySet(job)
  configure(job, keys, url)
  const haproxy = spawn(program(), ['-W', '-db', '-q', '-f', 'haproxy.cfg'], { stdio: 'inherit' })
  // However this process ends, the one it started ends, too.
  process.on('exit', () => haproxy.kill())
  const failed = once(haproxy, 'error').then(([error]) => { throw error })
  await Promise.race([untilItAnswers(url), failed])
  if (job.operation === 'serve') {
    followKeys(job, keys, url, haproxy)
    return { url, until: inputEnds }
  }
  return { statuses: await ask(url, job.tokens) }
})

/** Debian keeps it where only the administrator's path looks. */
function program () {
  return ['/usr/sbin/haproxy', '/usr/local/sbin/haproxy'].find(existsSync) ?? 'haproxy'
}

async function keySet (job) {
  return (await (await fetch(`${job.issuer}/oauth2/keys`)).json()).keys
}

/**
 * Does what an operator has a timer do: asks for the key set, and reloads when it is another one.
 * Twice as often as told, because a reload takes its time.
 */
function followKeys (job, known, url, haproxy) {
  const names = keys => keys.map(key => key.kid).join()
  setInterval(async () => {
    const keys = await keySet(job)
    if (names(keys) === names(known)) return
    known = keys
    configure(job, keys, url)
    haproxy.kill('SIGUSR2')
  }, job.key_set_seconds * 500)
}

function configure (job, keys, url) {
  const verifiable = keys.filter(key => ['RS256', 'ES256'].includes(key.alg))
  for (const key of verifiable) {
    const pem = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
    writeFileSync(`${key.kid}.pem`, pem)
  }
  writeFileSync('haproxy.cfg', configuration(job, verifiable, new URL(url).port))
}

/** One rule for each key: HAProxy wants to be told which key and algorithm verify. */
function configuration (job, keys, port) {
  const rules = keys.map(key =>
    `  http-request set-var(txn.good) bool(true) if { var(txn.alg) -m str ${key.alg} } ` +
    `{ var(txn.kid) -m str ${key.kid} } { http_auth_bearer,jwt_verify(txn.alg,"${process.cwd()}/${key.kid}.pem") -m int 1 }`
  )
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
