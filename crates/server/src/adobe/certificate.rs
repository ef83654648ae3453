//! A certificate in a multipart body. `name` and `description` are parts, too, or stand in the
//! query.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use countersign_wire::form::{Params, Place};
use futures_util::stream;
use http::header::CONTENT_TYPE;
use multer::{Field, Multipart};

use super::error::Failure;

/// What came with a certificate.
pub(super) struct CertificateForm {
    /// DER or PEM.
    pub(super) certificate: Vec<u8>,
    name: Option<String>,
    pub(super) description: Option<String>,
}

impl CertificateForm {
    /// The name that a new credential needs.
    pub(super) fn name(&self) -> Result<String, Failure> {
        let name = self.name.clone();
        name.ok_or_else(|| Failure::request("`name` is missing: give the credential one"))
    }
}

impl<S: Send + Sync> FromRequest<S> for CertificateForm {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let mut query = Params::default();
        let read = query.read(Place::Query, request.uri().query().unwrap_or_default());
        read.map_err(|error| Failure::request(format!("the query cannot be read: {error}")))?;
        let kind = request.headers().get(CONTENT_TYPE);
        let boundary = kind.and_then(|kind| multer::parse_boundary(kind.to_str().ok()?).ok());
        let boundary = boundary.ok_or_else(unreadable)?;
        let body = Bytes::from_request(request, state).await;
        let parts = read_parts(body.map_err(|_| unreadable())?, boundary).await?;
        let text =
            |part: Option<String>, name: &str| part.or_else(|| query.get(name).map(str::to_owned));
        Ok(Self {
            certificate: parts.certificate.ok_or_else(|| {
                Failure::request("the part `certificate` is missing: send the file in it")
            })?,
            name: text(parts.name, "name"),
            description: text(parts.description, "description"),
        })
    }
}

#[derive(Default)]
struct FormParts {
    certificate: Option<Vec<u8>>,
    name: Option<String>,
    description: Option<String>,
}

async fn read_parts(body: Bytes, boundary: String) -> Result<FormParts, Failure> {
    let bytes = stream::iter([Ok::<_, std::convert::Infallible>(body)]);
    let mut parts = Multipart::new(bytes, boundary);
    let mut found = FormParts::default();
    while let Some(part) = parts.next_field().await.map_err(|_| unreadable())? {
        let doubled = match part.name().unwrap_or_default() {
            // The published description misspells it.
            "certificate" | "certifiate" => {
                let bytes = part.bytes().await.map_err(|_| unreadable())?;
                found.certificate.replace(bytes.to_vec()).is_some()
            }
            "name" => found.name.replace(text(part).await?).is_some(),
            "description" => found.description.replace(text(part).await?).is_some(),
            _ => false,
        };
        if doubled {
            return Err(Failure::request("a part of the body comes twice"));
        }
    }
    Ok(found)
}

async fn text(part: Field<'_>) -> Result<String, Failure> {
    let bytes = part.bytes().await.map_err(|_| unreadable())?;
    String::from_utf8(bytes.to_vec()).map_err(|_| Failure::request("a part is not UTF-8"))
}

fn unreadable() -> Failure {
    Failure::request(
        "the body must be `multipart/form-data` with the file in the part `certificate`",
    )
}
