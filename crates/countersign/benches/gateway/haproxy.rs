//! HAProxy from Debian, which verifies the same tokens and compares the same headers.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::proxy::Proxy;
use crate::setup::Setup;

pub fn start(setup: &Setup, upstream: SocketAddr) -> anyhow::Result<Proxy> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let folder = setup.folder();
    let key = folder.join("haproxy-key.pem");
    fs::write(&key, &setup.public_key)?;
    let file = folder.join("haproxy.cfg");
    fs::write(&file, configuration(address, upstream, &key))?;
    // Debian keeps it where only the administrator's path looks.
    let places = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy"];
    let program = places.into_iter().find(|place| Path::new(place).exists());
    let child = Command::new(program.unwrap_or("haproxy"))
        .args(["-db", "-f"])
        .arg(&file)
        .stdout(Stdio::null())
        .spawn()
        .context("HAProxy, which `tests-support/packages clients` installs")?;
    Proxy::started(child, address)
}

/// The checks of the gateway that HAProxy can make: signature, expiry, client, organization, scope.
/// It knows neither revocations nor subscriptions nor profiles.
fn configuration(address: SocketAddr, upstream: SocketAddr, key: &Path) -> String {
    let key = key.display();
    format!(
        r#"
global
  nbthread 2

defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s

frontend callers
  bind {address}
  http-request set-var(txn.good) http_auth_bearer,jwt_verify("RS256","{key}")
  http-request set-var(txn.client) http_auth_bearer,jwt_payload_query('$.client_id')
  http-request set-var(txn.org) http_auth_bearer,jwt_payload_query('$.org')
  http-request set-var(txn.user) http_auth_bearer,jwt_payload_query('$.user_id')
  http-request set-var(txn.scope) http_auth_bearer,jwt_payload_query('$.scope')
  http-request set-var(txn.life) http_auth_bearer,jwt_payload_query('$.expires_in'),div(1000)
  http-request set-var(txn.end) http_auth_bearer,jwt_payload_query('$.created_at'),div(1000),add(txn.life)
  http-request set-var(txn.key) req.hdr(x-api-key)
  http-request set-var(txn.header) req.hdr(x-gw-ims-org-id)
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless {{ var(txn.good) -m int 1 }}
  http-request deny deny_status 401 if {{ var(txn.end),sub(txn.now) -m int le 0 }}
  http-request deny deny_status 403 unless {{ var(txn.client),strcmp(txn.key) eq 0 }}
  http-request deny deny_status 403 unless {{ var(txn.org),strcmp(txn.header) eq 0 }}
  http-request deny deny_status 401 unless {{ var(txn.scope) -m sub openid }}
  http-request del-header authorization
  http-request set-header x-ims-client-id %[var(txn.client)]
  http-request set-header x-ims-org-id %[var(txn.org)]
  http-request set-header x-ims-user-id %[var(txn.user)]
  http-request set-header x-ims-scope %[var(txn.scope)]
  default_backend api

backend api
  http-reuse always
  server api {upstream}
"#
    )
}
