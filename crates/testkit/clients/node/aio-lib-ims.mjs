import { answer, load } from './job.mjs'
import { context as contextOf } from './contexts.mjs'

const { context, getToken, getTokenData, Ims } = await load('@adobe/aio-lib-ims')

const operations = {
  async token (job) {
    await context.set('test', contextOf(job))
    const token = await getToken('test')
    return { access_token: token, claims: getTokenData(token) }
  },
  validate: async job => ({ validation: await new Ims().validateToken(job.access_token, job.client_id) }),
  invalidate: async job => ({
    invalidation: await new Ims().invalidateToken(job.access_token, job.client_id, job.client_secret)
  }),
  organizations: async job => ({ organizations: await new Ims().getOrganizations(job.access_token) })
}

await answer(job => operations[job.operation ?? 'token'](job))
