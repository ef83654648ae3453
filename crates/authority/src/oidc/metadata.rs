//! What a provider says of itself. Source: OpenID Connect Discovery 1.0 section 3, RFC 8414,
//! RFC 9207 section 3.

use countersign_jose::{Algorithm, Object, Value};
use url::{Host, Url};

/// Longest document or answer of a provider, in bytes.
pub(super) const LONGEST: usize = 65_536;

/// What is needed of it.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) jwks_uri: Url,
    /// Those of its algorithms for ID tokens that we know.
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) client_auth: ClientAuth,
    /// Whether every answer says who sent it.
    pub(super) names_itself: bool,
}

/// How a client proves who it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ClientAuth {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
}

/// Where the document is: a slash at the end of the issuer is left out (Discovery 4.1).
pub(super) fn address(issuer: &str) -> String {
    let stem = issuer.strip_suffix('/').unwrap_or(issuer);
    format!("{stem}/.well-known/openid-configuration")
}

impl Metadata {
    /// Reads the document of the provider with exactly this issuer.
    pub(super) fn read(document: &str, issuer: &str) -> Result<Self, String> {
        if document.len() > LONGEST {
            return Err("its metadata is longer than 64 KiB".to_owned());
        }
        let found = Object::parse(document.as_bytes());
        let found = found.map_err(|_| "its metadata is no JSON object".to_owned())?;
        let named = text(&found, "issuer")?;
        if named != issuer {
            return Err(format!(
                "its metadata is of the issuer `{named}`, and `{issuer}` is configured: they must be the same, also in a slash at the end"
            ));
        }
        if list(&found, "response_types_supported").is_some_and(|all| !all.contains(&"code")) {
            return Err("it does not offer the response type `code`".to_owned());
        }
        let methods = list(&found, "code_challenge_methods_supported");
        if methods.is_some_and(|all| !all.contains(&"S256")) {
            return Err("it does not offer PKCE with `S256`".to_owned());
        }
        Ok(Self {
            authorization_endpoint: endpoint(&found, "authorization_endpoint")?,
            token_endpoint: endpoint(&found, "token_endpoint")?,
            jwks_uri: endpoint(&found, "jwks_uri")?,
            algorithms: algorithms(&found)?,
            client_auth: client_auth(&found)?,
            names_itself: found.find("authorization_response_iss_parameter_supported")
                == Some(&Value::Bool(true)),
        })
    }
}

/// RS256 is what every provider has, and what is meant where nothing is said.
fn algorithms(found: &Object) -> Result<Vec<Algorithm>, String> {
    let offered = list(found, "id_token_signing_alg_values_supported");
    let offered = offered.unwrap_or_else(|| vec!["RS256"]);
    let known: Vec<_> = offered
        .into_iter()
        .filter_map(Algorithm::from_name)
        .collect();
    match known.is_empty() {
        true => Err("it signs ID tokens with none of RS256, ES256 and EdDSA".to_owned()),
        false => Ok(known),
    }
}

/// HTTP Basic is what is meant where nothing is said.
fn client_auth(found: &Object) -> Result<ClientAuth, String> {
    match list(found, "token_endpoint_auth_methods_supported") {
        None => Ok(ClientAuth::Basic),
        Some(all) if all.contains(&"client_secret_basic") => Ok(ClientAuth::Basic),
        Some(all) if all.contains(&"client_secret_post") => Ok(ClientAuth::Post),
        Some(_) => {
            Err("it takes neither `client_secret_basic` nor `client_secret_post`".to_owned())
        }
    }
}

/// An address whose traffic nobody reads on its way: TLS, or this machine.
fn endpoint(found: &Object, name: &str) -> Result<Url, String> {
    let unusable = |what: &str| format!("`{name}` of its metadata {what}");
    let url = Url::parse(text(found, name)?).map_err(|_| unusable("is no address"))?;
    match url.scheme() {
        "https" => {}
        "http" if is_this_machine(&url) => {}
        _ => return Err(unusable("is not https")),
    }
    let is_plain = url.username().is_empty() && url.password().is_none();
    match is_plain && url.fragment().is_none() {
        true => Ok(url),
        false => Err(unusable("has a user or a fragment")),
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn text<'f>(found: &'f Object, name: &str) -> Result<&'f str, String> {
    let text = found.string(name);
    text.map_err(|error| format!("`{name}` of its metadata {}", error.fault))
}

fn list<'f>(found: &'f Object, name: &str) -> Option<Vec<&'f str>> {
    let Some(Value::Array(all)) = found.find(name) else {
        return None;
    };
    let text = |value: &'f Value| match value {
        Value::String(text) => Some(text.as_str()),
        _ => None,
    };
    Some(all.iter().filter_map(text).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    const ISSUER: &str = "https://id.example.com";

    fn document() -> Json {
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.example.com/authorize?tenant=1",
            "token_endpoint": "https://token.example.com/token",
            "jwks_uri": "http://127.0.0.1:9/keys",
            "id_token_signing_alg_values_supported": ["HS256", "ES256", "RS256", "none"],
        })
    }

    fn read(change: impl FnOnce(&mut Json)) -> Result<Metadata, String> {
        let mut document = document();
        change(&mut document);
        Metadata::read(&document.to_string(), ISSUER)
    }

    #[test]
    fn what_is_said_is_taken_and_what_is_not_has_a_meaning() {
        let metadata = read(|_| {}).expect("usable");
        assert_eq!(metadata.algorithms, [Algorithm::Es256, Algorithm::Rs256]);
        assert_eq!(metadata.client_auth, ClientAuth::Basic);
        assert!(!metadata.names_itself);
        let said = read(|document| {
            document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
            document["authorization_response_iss_parameter_supported"] = json!(true);
            document["code_challenge_methods_supported"] = json!(["plain", "S256"]);
            document["response_types_supported"] = json!(["code", "id_token"]);
            let all = document.as_object_mut().expect("an object");
            all.remove("id_token_signing_alg_values_supported");
        });
        let said = said.expect("usable");
        assert_eq!(said.client_auth, ClientAuth::Post);
        assert_eq!(said.algorithms, [Algorithm::Rs256]);
        assert!(said.names_itself);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (member, value, why) in [
            (
                "issuer",
                json!("https://id.example.com/"),
                "slash at the end",
            ),
            ("issuer", Json::Null, "has the wrong type"),
            (
                "authorization_endpoint",
                json!("http://id.example.com/a"),
                "is not https",
            ),
            (
                "authorization_endpoint",
                json!("javascript:alert(1)"),
                "is not https",
            ),
            (
                "token_endpoint",
                json!("http://id.example.com/t"),
                "is not https",
            ),
            (
                "token_endpoint",
                json!("https://a:b@id.example.com/t"),
                "has a user",
            ),
            ("jwks_uri", json!("http://192.0.2.1/keys"), "is not https"),
            ("jwks_uri", json!("/keys"), "is no address"),
            (
                "response_types_supported",
                json!(["id_token"]),
                "response type",
            ),
            ("code_challenge_methods_supported", json!(["plain"]), "PKCE"),
            (
                "token_endpoint_auth_methods_supported",
                json!(["private_key_jwt"]),
                "neither",
            ),
            (
                "id_token_signing_alg_values_supported",
                json!(["HS256", "none"]),
                "none of RS256",
            ),
            ("padding", json!("x".repeat(LONGEST)), "longer than"),
        ] {
            let error = read(|document| document[member] = value).expect_err(member);
            assert!(error.contains(why), "{member}: {error}");
        }
    }

    #[test]
    fn the_document_is_below_the_issuer() {
        let expected = "https://a.example/tenant/.well-known/openid-configuration";
        for issuer in ["https://a.example/tenant", "https://a.example/tenant/"] {
            assert_eq!(address(issuer), expected);
        }
    }
}
