import { answer, loadNames } from './job.mjs'

const oidc = await loadNames('openid-client')

await answer(async job => {
  const server = { issuer: job.ims, token_endpoint: `${job.ims}/ims/token/v3` }
  const method = job.send === 'basic' ? oidc.ClientSecretBasic : oidc.ClientSecretPost
  const configuration = new oidc.Configuration(server, job.client_id, undefined, method(job.client_secret))
  if (job.ims.startsWith('http:')) oidc.allowInsecureRequests(configuration)

  return oidc.clientCredentialsGrant(configuration, { scope: job.scopes.join(',') })
})
