import { answer, load } from './job.mjs'

const authorize = await load('@adobe/jwt-auth')

await answer(job => authorize({
  ims: job.ims,
  clientId: job.client_id,
  clientSecret: job.client_secret,
  technicalAccountId: job.technical_account_id,
  orgId: job.org_id,
  metaScopes: job.metascopes,
  privateKey: job.private_key_pem
}))
