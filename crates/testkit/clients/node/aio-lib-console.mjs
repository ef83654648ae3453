import { Readable } from 'node:stream'
import { answer, load } from './job.mjs'

const { init } = await load('@adobe/aio-lib-console')

await answer(async ({ access_token: token, api_key: key, calls }) => {
  const client = await init(token, key)
  const results = []
  for (const [method, ...args] of calls) {
    const ready = args.map(arg => filledIn(arg, results))
    results.push(await told(method.includes(' ') ? operation(client, method) : method, client, ready))
  }
  return { results }
})

/** What a method of the client gave, or how it failed. */
async function told (method, client, args) {
  try {
    const answered = await (typeof method === 'string' ? client[method](...args) : method(...args))
    return { status: answered.status, body: await bodyOf(answered), headers: answered.headers }
  } catch (error) {
    return { error: error.message }
  }
}

/** What was answered: JSON, or `{base64}` of a file. */
async function bodyOf (answered) {
  const { data } = answered
  // The library's fetch brings a Blob of its own.
  if (typeof data?.arrayBuffer === 'function') {
    return { base64: Buffer.from(await data.arrayBuffer()).toString('base64') }
  }
  return typeof answered.json === 'function' ? answered.json() : answered.body
}

/** `TAG OPERATION`: one of the client's API description that it has no method of its own for. */
function operation (client, name) {
  const at = name.lastIndexOf(' ')
  const call = client.sdk.apis[name.slice(0, at)][name.slice(at + 1)]
  return (parameters, body) => call(...client.__createRequestOptions(parameters, body))
}

/** `$2.body.id` is from the result of the third call; `{"file": ".."}` is a file of that text. */
function filledIn (arg, results) {
  if (typeof arg === 'string' && arg.startsWith('$')) {
    return arg.slice(1).split('.').reduce((value, name) => value[name], results)
  }
  if (Array.isArray(arg)) return arg.map(item => filledIn(item, results))
  if (typeof arg !== 'object' || arg === null) return arg
  if ('file' in arg) return Readable.from([Buffer.from(arg.file)])
  return Object.fromEntries(Object.entries(arg).map(([name, item]) => [name, filledIn(item, results)]))
}
