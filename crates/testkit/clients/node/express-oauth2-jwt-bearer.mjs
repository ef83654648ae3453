// An Express API behind `express-oauth2-jwt-bearer`, which finds everything out by itself.
import { answer, load, loadNames } from './job.mjs'
import { keySetTimes, protect } from './protect.mjs'

const express = await load('express')
const { auth, requiredScopes } = await loadNames('express-oauth2-jwt-bearer')

await answer(async job => {
  const api = express()
  api.use(auth({
    issuerBaseURL: `${job.issuer}/.well-known/oauth-authorization-server`,
    audience: job.audience,
    ...keySetTimes(job),
    strict: true // RFC 9068: `typ` and every required claim
  }))
  api.get('/', requiredScopes('openid'), (request, response) => response.send(request.auth.payload.sub))
  api.use((error, request, response, next) => response.status(error.status ?? 500).end())
  return protect(api, job)
})
