// An API that verifies tokens with `jose` and the published key set.
import { answer, loadNames } from './job.mjs'
import { keySetTimes, protect } from './protect.mjs'

const jose = await loadNames('jose')

await answer(async job => {
  const keys = jose.createRemoteJWKSet(new URL(`${job.issuer}/oauth2/keys`), keySetTimes(job))
  const rules = {
    issuer: job.issuer,
    audience: job.audience,
    typ: 'at+jwt',
    requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'jti']
  }
  const api = async (request, response) => {
    try {
      const token = request.headers.authorization.slice('Bearer '.length)
      const { payload } = await jose.jwtVerify(token, keys, rules)
      response.statusCode = payload.scope.split(' ').includes('openid') ? 200 : 403
    } catch {
      response.statusCode = 401
    }
    response.end()
  }
  return protect(api, job)
})
