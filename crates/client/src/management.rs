//! The management API of a Countersign server, `/api/v1`, with a personal access token.
//!
//! Knows how to ask, not what there is: paths and bodies are those of the server's own description,
//! `/api/v1/openapi.json`.

use countersign_wire::PersonalAccessToken;
use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Malformed, Refusal};
use crate::http::{Answer, Http, harmless};

/// Somebody with an access token, at one server.
#[derive(Debug)]
pub struct Management {
    http: Http,
    token: PersonalAccessToken,
}

/// What a call does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verb {
    /// Looks at something.
    Get,
    /// Makes something.
    Post,
    /// Describes something anew, as a whole.
    Put,
    /// Changes something.
    Patch,
    /// Takes something away.
    Delete,
}

/// One call, still to be sent.
#[derive(Clone, Debug)]
#[must_use]
pub struct Call {
    verb: Verb,
    segments: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    revision: Option<String>,
}

/// What came back.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reply {
    /// The JSON of the body; `null` where there is none.
    pub body: Value,
    /// The revision of what is shown, for [`Call::made_from`].
    pub revision: Option<String>,
}

impl Call {
    /// A call of what is at these segments below `/api/v1`; they may hold any character.
    pub fn new(verb: Verb, segments: &[&str]) -> Self {
        Self {
            verb,
            segments: segments.iter().map(|&one| one.to_owned()).collect(),
            query: Vec::new(),
            body: None,
            revision: None,
        }
    }

    /// With a parameter, where there is a value for it.
    pub fn with(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query
            .extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// With a body.
    pub fn body(self, body: Value) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    /// Fails if what is changed is not any more what was seen.
    pub fn made_from(self, revision: Option<String>) -> Self {
        Self { revision, ..self }
    }
}

impl Management {
    /// Prepares to talk to the server at `http`'s origin.
    #[must_use]
    pub fn new(http: Http, token: PersonalAccessToken) -> Self {
        Self { http, token }
    }

    /// Sends a call.
    ///
    /// # Errors
    /// [`Error::Refused`] with the problem's code and sentence; [`Error::Unreachable`],
    /// [`Error::Malformed`].
    pub async fn send(&self, call: &Call) -> Result<Reply, Error> {
        let answer = self.answer(call).await?;
        self.reply(&answer)
    }

    async fn answer(&self, call: &Call) -> Result<Answer, Error> {
        let path = path(&call.segments);
        let request = self.http.request(method(call.verb), &path);
        let mut request = request.query(&call.query).bearer_auth(self.token.expose());
        if let Some(revision) = &call.revision {
            request = request.header("if-match", revision);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let answer = self.http.send(request).await?;
        match answer.status {
            200..300 => Ok(answer),
            300..400 => Err(self.http.malformed(Malformed::Redirect(answer.status))),
            _ => Err(refusal(&answer).into()),
        }
    }

    /// All things of a list, page by page.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn list(&self, call: Call) -> Result<Vec<Value>, Error> {
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let call = call.clone().with("cursor", cursor.take());
            let mut page = self.send(&call).await?.body;
            let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) else {
                return Err(self.http.malformed(Malformed::NotAnAnswer));
            };
            all.extend(items);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(all),
            }
        }
    }

    /// Sends a call whose answer is a text and no JSON.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn text(&self, call: &Call) -> Result<String, Error> {
        let answer = self.answer(call).await?;
        Ok(answer.body.expose().to_owned())
    }

    fn reply(&self, answer: &Answer) -> Result<Reply, Error> {
        let text = answer.body.expose();
        let body = match text.is_empty() {
            true => Ok(Value::Null),
            false => serde_json::from_str(text),
        };
        Ok(Reply {
            body: body.map_err(|_| self.http.malformed(Malformed::NotAnAnswer))?,
            revision: answer.revision.clone(),
        })
    }
}

fn method(verb: Verb) -> reqwest::Method {
    match verb {
        Verb::Get => reqwest::Method::GET,
        Verb::Post => reqwest::Method::POST,
        Verb::Put => reqwest::Method::PUT,
        Verb::Patch => reqwest::Method::PATCH,
        Verb::Delete => reqwest::Method::DELETE,
    }
}

/// Each segment escaped: whatever people type, it stays one segment.
fn path(segments: &[String]) -> String {
    let mut path = "/api/v1".to_owned();
    for segment in segments {
        path.push('/');
        let escaped: String = url::form_urlencoded::byte_serialize(segment.as_bytes()).collect();
        // A form writes blanks as `+`, a path does not; dots alone would walk.
        path += &escaped.replace('+', "%20").replace('.', "%2E");
    }
    path
}

/// The members of a problem (RFC 9457).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    #[serde(rename = "type")]
    kind: String,
    detail: String,
}

fn refusal(answer: &Answer) -> Refusal {
    let problem: Problem = serde_json::from_str(answer.body.expose()).unwrap_or_default();
    let code = problem.kind.rsplit(':').next().unwrap_or_default();
    Refusal {
        status: answer.status,
        code: harmless(code),
        description: harmless(&problem.detail),
        debug_id: answer.debug_id.clone(),
        retry_after: answer.retry_after,
        server_time: answer.date,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_typed_stays_one_segment() {
        let segments = ["organizations", "A@AdobeOrg", "..", "a b/c?d#e"];
        let segments = segments.map(str::to_owned);
        assert_eq!(
            path(&segments),
            "/api/v1/organizations/A%40AdobeOrg/%2E%2E/a%20b%2Fc%3Fd%23e"
        );
    }
}
