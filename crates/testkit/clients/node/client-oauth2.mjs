import { answer, load } from './job.mjs'

const ClientOAuth2 = await load('client-oauth2')

await answer(async job => {
  const client = new ClientOAuth2({
    clientId: job.client_id,
    clientSecret: job.client_secret,
    accessTokenUri: `${job.ims}/ims/token/v3`,
    scopes: [job.scopes.join(',')] // it would join several with blanks
  })
  const { data } = await client.credentials.getToken()
  return data
})
