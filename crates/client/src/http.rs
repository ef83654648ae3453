//! The only place that builds an HTTP client. What holds for every request (`spec/security.md`
//! SUP-03): certificates are verified, no redirect is followed, nothing takes for ever, and an
//! answer has at most 1 MiB.

use std::path::{Path, PathBuf};
use std::time::Duration;

use countersign_wire::{Opaque, Timestamp};
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{
    CACHE_CONTROL, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, RETRY_AFTER,
};
use reqwest::{Certificate, Client, ClientBuilder, RequestBuilder, Response, redirect};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::error::{Error, Malformed, Refusal};
use crate::origin::Origin;
use crate::public::PublicOnly;
use crate::unreachable::Unreachable;

/// Longest answer that is read, in bytes.
pub const MAX_ANSWER: usize = 1 << 20;

/// What can be said about connections.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpOptions {
    /// PEM file of authorities to trust besides those of the operating system.
    pub ca_file: Option<PathBuf>,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for the whole answer.
    pub timeout: Duration,
    /// Which addresses may be connected to.
    pub addresses: Addresses,
}

/// Which addresses may be connected to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Addresses {
    /// All of them.
    #[default]
    Any,
    /// Those of the public internet only: for URLs that somebody else chose, who must not reach what
    /// only this machine can.
    Public,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            ca_file: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            addresses: Addresses::Any,
        }
    }
}

/// Talks to one origin, and to no other.
#[derive(Clone, Debug)]
pub struct Http {
    origin: Origin,
    client: Client,
}

impl Http {
    /// Prepares to talk to `origin`. Connects to nobody yet.
    ///
    /// # Errors
    /// [`Error::CaFile`]
    pub fn new(origin: Origin, options: &HttpOptions) -> Result<Self, Error> {
        // Fails only when another provider is installed already, which is the program's choice.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        if options.addresses == Addresses::Public && !origin.may_be_public() {
            return Err(Error::PrivateAddress);
        }
        let extra = options.ca_file.as_deref().map(read_authorities);
        let extra = extra.transpose()?.unwrap_or_default();
        let base = || base(&origin, options).tls_certs_merge(extra.clone());
        // A machine without a trust store trusts nobody: requests fail, and say so.
        let client = base()
            .build()
            .or_else(|_| base().tls_certs_only([]).build())
            .map_err(|_| Error::CaFile("holds a certificate that cannot be used".to_owned()))?;
        Ok(Self { origin, client })
    }

    /// The origin it talks to.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Sends a form to `path`, which starts with a slash.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Malformed`]; a status is no error here.
    pub async fn post_form(&self, path: &str, form: &[(&str, &str)]) -> Result<Answer, Error> {
        self.send(self.client.post(self.url(path)).form(form)).await
    }

    /// Sends a form to `path` as a client that proves who it is by HTTP Basic: name and secret are
    /// encoded as in a form first (RFC 6749 section 2.3.1).
    ///
    /// # Errors
    /// As [`post_form`](Self::post_form).
    pub async fn post_form_as(
        &self,
        client: (&str, &Opaque),
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<Answer, Error> {
        let encoded = |text: &str| -> Zeroizing<String> {
            Zeroizing::new(url::form_urlencoded::byte_serialize(text.as_bytes()).collect())
        };
        let (name, secret) = (encoded(client.0), encoded(client.1.expose()));
        let request = self.client.post(self.url(path)).form(form);
        self.send(request.basic_auth(&*name, Some(&*secret))).await
    }

    /// Sends JSON to `path`, which starts with a slash, with further headers.
    ///
    /// # Errors
    /// As [`post_form`](Self::post_form).
    pub async fn post_json(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Answer, Error> {
        let request = self.client.post(self.url(path)).body(body);
        let request = request.header(CONTENT_TYPE, "application/json");
        let headers = headers.iter();
        let request = headers.fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        self.send(request).await
    }

    /// Gets `path`, which starts with a slash.
    ///
    /// # Errors
    /// As [`post_form`](Self::post_form).
    pub async fn get(&self, path: &str) -> Result<Answer, Error> {
        self.send(self.client.get(self.url(path))).await
    }

    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Answer, Error> {
        let unreachable = |error: reqwest::Error| Error::Unreachable {
            origin: self.origin.to_string(),
            why: Unreachable::classify(&error),
        };
        let mut response = request.send().await.map_err(unreachable)?;
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(self.malformed(Malformed::TooLong));
            }
            body.extend_from_slice(&chunk);
        }
        let text = std::str::from_utf8(&body).map_err(|_| self.malformed(Malformed::NotText))?;
        Ok(Answer::new(&response, text))
    }

    pub(crate) fn malformed(&self, why: Malformed) -> Error {
        Error::Malformed {
            origin: self.origin.to_string(),
            why,
        }
    }

    /// The body of a successful answer, or the refusal it is.
    pub(crate) fn accepted(&self, answer: Answer, sent: &[&str]) -> Result<Answer, Error> {
        match answer.status {
            200 => Ok(answer),
            300..400 => Err(self.malformed(Malformed::Redirect(answer.status))),
            _ => Err(answer.refusal(sent).into()),
        }
    }
}

/// An answer with any status.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body, which may hold a token.
    pub body: Opaque,
    /// Header `x-debug-id`.
    pub debug_id: Option<String>,
    /// Header `Retry-After`, where it is in seconds.
    pub retry_after: Option<Duration>,
    /// Header `Date`.
    pub date: Option<Timestamp>,
    /// How long it may be kept, where `Cache-Control` says so.
    pub max_age: Option<Duration>,
    /// Header `ETag`: the revision of what is shown.
    pub revision: Option<String>,
}

impl Answer {
    fn new(response: &Response, text: &str) -> Self {
        let headers = response.headers();
        Self {
            status: response.status().as_u16(),
            body: Opaque::new(text.to_owned()),
            debug_id: header(headers, &DEBUG_ID).map(harmless),
            retry_after: header(headers, &RETRY_AFTER)
                .and_then(|text| text.trim().parse().ok())
                .map(Duration::from_secs),
            date: header(headers, &DATE).and_then(parse_http_date),
            max_age: header(headers, &CACHE_CONTROL).and_then(max_age),
            revision: header(headers, &ETAG).map(str::to_owned),
        }
    }

    /// `sent` are the secrets of the request: a server that repeats them is not repeated.
    fn refusal(&self, sent: &[&str]) -> Refusal {
        let body: ErrorBody = serde_json::from_str(self.body.expose()).unwrap_or_default();
        let clean = |text: String| {
            let hidden = sent.iter().filter(|secret| !secret.is_empty());
            harmless(&hidden.fold(text, |text, secret| text.replace(secret, "[secret]")))
        };
        Refusal {
            status: self.status,
            code: clean(body.error),
            description: clean(body.error_description.or(body.message).unwrap_or_default()),
            debug_id: self.debug_id.clone(),
            retry_after: self.retry_after,
            server_time: self.date,
        }
    }
}

/// The members of an error body (`spec/ims-protocol.md` 2.1; `message`: row 22a).
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    error: String,
    error_description: Option<String>,
    message: Option<String>,
}

fn base(origin: &Origin, options: &HttpOptions) -> ClientBuilder {
    let builder = Client::builder()
        .user_agent(concat!("countersign-client/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(options.connect_timeout)
        .timeout(options.timeout);
    let builder = match options.addresses {
        Addresses::Any => builder,
        // A proxy would resolve names by itself, past this.
        Addresses::Public => builder.dns_resolver(PublicOnly).no_proxy(),
    };
    if origin.is_tls() {
        builder
    } else {
        // A proxy from the environment would read the secret.
        builder.no_proxy()
    }
}

fn read_authorities(file: &Path) -> Result<Vec<Certificate>, Error> {
    let pem = std::fs::read(file)
        .map_err(|error| Error::CaFile(format!("cannot be read: {}", error.kind())))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(Error::CaFile("holds no certificate in PEM form".to_owned())),
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn parse_http_date(text: &str) -> Option<Timestamp> {
    let instant = DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_millis(instant.as_millisecond()))
}

/// `max-age` (RFC 9111 section 5.2.2.1); 0 where a directive forbids to keep the answer.
fn max_age(text: &str) -> Option<Duration> {
    let mut directives = text.split(',').map(str::trim);
    if directives.clone().any(|d| {
        ["no-store", "no-cache"]
            .iter()
            .any(|no| d.eq_ignore_ascii_case(no))
    }) {
        return Some(Duration::ZERO);
    }
    let seconds = directives.find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        name.eq_ignore_ascii_case("max-age").then_some(value)
    });
    seconds?
        .trim_matches('"')
        .parse()
        .ok()
        .map(Duration::from_secs)
}

/// Text of a stranger, fit for a terminal and a log.
pub(crate) fn harmless(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(MAX_TEXT)
        .collect()
}

/// Of what a server says, in characters.
const MAX_TEXT: usize = 500;

const DEBUG_ID: HeaderName = HeaderName::from_static("x-debug-id");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_control_says_how_long() {
        for (text, seconds) in [
            ("max-age=60", Some(60)),
            ("public, Max-Age=\"7\", immutable", Some(7)),
            ("no-cache, max-age=60", Some(0)),
            ("private", None),
            ("max-age=soon", None),
        ] {
            assert_eq!(max_age(text), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
