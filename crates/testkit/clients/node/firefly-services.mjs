import { answer, load } from './job.mjs'

const { ServerToServerTokenProvider } = await load('@adobe/firefly-services-common-apis')

await answer(async job => {
  const provider = new ServerToServerTokenProvider(
    { clientId: job.client_id, clientSecret: job.client_secret, scopes: job.scopes.join(',') },
    { autoRefresh: true }
  )
  return { access_token: await provider.getToken() }
})
