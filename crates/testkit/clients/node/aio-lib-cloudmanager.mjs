import { answer, load } from './job.mjs'

const { init } = await load('@adobe/aio-lib-cloudmanager')

await answer(async ({ org_id: org, client_id: key, access_token: token, gateway, calls }) => {
  const client = await init(org, key, token, gateway)
  const results = []
  for (const [method, ...args] of calls) {
    results.push(plain(await client[method](...args)))
  }
  return { results }
})

/** What the server sent, without the methods that the client's HAL library adds. */
function plain (value) {
  return Array.isArray(value) ? value.map(plain) : value?.original?.() ?? value
}
