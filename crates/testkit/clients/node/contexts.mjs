// The configuration that @adobe/aio-lib-ims and aio read: one named context per credential.

/** The context of a JWT credential, or of an OAuth Server-to-Server credential. */
export function context (job) {
  const shared = { client_id: job.client_id, technical_account_id: job.technical_account_id, ims_org_id: job.org_id }
  return job.grant === 'jwt'
    ? { ...shared, client_secret: job.client_secret, meta_scopes: job.metascopes, private_key: job.private_key_pem }
    : { ...shared, client_secrets: secrets(job), technical_account_email: 'account@techacct.adobe.com', scopes: job.scopes }
}

/** Several secrets where the test rotates them: the library tries them in this order. */
function secrets (job) {
  return job.client_secrets ?? [job.client_secret]
}
