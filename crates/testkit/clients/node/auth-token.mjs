import { answer, loadNames } from './job.mjs'

const { auth } = await loadNames('@adobe/auth-token')

await answer(job => auth({
  clientId: job.client_id,
  clientSecret: job.client_secret,
  scope: job.scopes.join(',')
}))
