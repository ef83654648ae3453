import { answer, load } from './job.mjs'

const { ClientCredentials } = await load('simple-oauth2')

await answer(async job => {
  const client = new ClientCredentials({
    client: { id: job.client_id, secret: job.client_secret },
    auth: { tokenHost: job.ims, tokenPath: '/ims/token/v3' },
    options: { authorizationMethod: job.send === 'basic' ? 'header' : 'body' }
  })
  const { token } = await client.getToken({ scope: job.scopes.join(',') })
  return token
})
