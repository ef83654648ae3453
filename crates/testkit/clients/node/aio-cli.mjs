// `aio auth login`: the plugin that gives the aio command line its login, started by the same
// command framework. The rest of @adobe/aio-cli (1,900 packages) has no part in it.
import { writeFileSync } from 'node:fs'
import { answer, folderOf, load } from './job.mjs'
import { context } from './contexts.mjs'

const { run } = await load('@oclif/core')

await answer(async (job, printed) => {
  writeFileSync('.aio', JSON.stringify({ ims: { contexts: { test: context(job) } } }))
  await run(['auth:login', '--ctx', 'test', '--no-open'], { root: folderOf('@adobe/aio-cli-plugin-auth') })
  return { access_token: printed().split('\n').at(-1) }
})
