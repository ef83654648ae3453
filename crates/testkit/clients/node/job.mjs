// What every Node client script shares: the job is the first line of stdin, one line of JSON goes
// to stdout.
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

// The packages live in the cache, not beside this file, so the ordinary lookup cannot find them.
const packages = createRequire(join(process.env.COUNTERSIGN_CLIENT_PACKAGES, 'package.json'))

// From the start: what nobody listens for yet would be lost while a client is being loaded.
const input = createInterface({ input: process.stdin })
const firstLine = once(input, 'line')

/** When the caller closes stdin. */
export const inputEnds = once(input, 'close')

/** The client, as its documentation imports it: ESM or CommonJS. */
export async function load (name) {
  const module = await import(pathToFileURL(packages.resolve(name)))
  return module.default ?? module
}

/** The same for packages whose named exports matter. */
export async function loadNames (name) {
  return import(pathToFileURL(packages.resolve(name)))
}

/** Where a package was installed, for those that are started rather than imported. */
export function folderOf (name) {
  return join(process.env.COUNTERSIGN_CLIENT_PACKAGES, 'node_modules', name)
}

/**
 * Runs `work(job, printed)` and writes what came of it. `printed()` is what the client has put on
 * stdout and stderr so far: for some clients that is all a user ever sees of an error. What the
 * work returns as `until` is waited for before the process ends.
 */
export async function answer (work) {
  const [line] = await firstLine
  const job = JSON.parse(line)
  const captured = capture()
  const { until, ...result } = await outcome(work, job, captured.text)
  captured.release()
  // A pipe takes a long answer in pieces.
  await new Promise(resolve => process.stdout.write(JSON.stringify(result) + '\n', resolve))
  await until
  process.exit(0) // some clients keep sockets or timers open
}

async function outcome (work, job, printed) {
  try {
    const result = await work(job, printed)
    const refused = job.operation === undefined && !result.access_token
    return refused ? { ok: false, error_text: printed() } : { ok: true, ...result }
  } catch (error) {
    const message = error?.message ?? String(error)
    const shown = [printed(), message, error?.error_description].filter(Boolean)
    return { ok: false, error_text: shown.join('\n'), ...code(error) }
  }
}

/** The OAuth code, where the client hands it out as a field of its error. */
function code (error) {
  const field = [error?.error, error?.body?.error, error?.code].find(value => typeof value === 'string')
  return field === undefined ? {} : { error_code: field }
}

function capture () {
  const streams = [process.stdout, process.stderr]
  const writes = streams.map(stream => stream.write)
  let seen = ''
  for (const stream of streams) {
    stream.write = chunk => { seen += chunk; return true }
  }
  return {
    text: () => seen.trim(),
    release: () => streams.forEach((stream, at) => { stream.write = writes[at] })
  }
}
