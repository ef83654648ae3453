//! Reads a request's parameters: from the query, an urlencoded body, a multipart body.

use bytes::Bytes;
use countersign_wire::error::Problem;
use countersign_wire::form::{FormError, Params, Place};
use futures_util::stream;
use http::header;
use http::request::Parts;
use zeroize::Zeroizing;

/// Reads all parameters of a request.
///
/// # Errors
/// What is wrong with the request, in one fixed sentence.
pub(super) async fn read(parts: &Parts, body: Bytes) -> Result<Params, Problem> {
    let mut params = Params::default();
    params.read(Place::Query, parts.uri.query().unwrap_or_default())?;
    match body_type(parts, &body)? {
        BodyType::None => {}
        BodyType::Urlencoded => {
            let text = std::str::from_utf8(&body).map_err(|_| FormError::Encoding)?;
            params.read(Place::Body, text)?;
        }
        BodyType::Multipart(boundary) => read_multipart(&mut params, body, boundary).await?,
    }
    Ok(params)
}

enum BodyType {
    None,
    Urlencoded,
    Multipart(String),
}

fn body_type(parts: &Parts, body: &Bytes) -> Result<BodyType, Problem> {
    let mut types = parts.headers.get_all(header::CONTENT_TYPE).iter();
    let (first, second) = (types.next(), types.next());
    if second.is_some() {
        return Err(Problem::BodyType);
    }
    let Some(value) = first else {
        return if body.is_empty() {
            Ok(BodyType::None)
        } else {
            Err(Problem::BodyType)
        };
    };
    let value = value.to_str().map_err(|_| Problem::BodyType)?;
    let (kind, rest) = value.split_once(';').unwrap_or((value, ""));
    match kind.trim().to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" if !is_utf8(rest) => Err(Problem::BodyType),
        // A published sample labels multipart bytes so (`spec/ims-protocol.md` 9.1, trap 6).
        "application/x-www-form-urlencoded" => match boundary_of_mislabelled(body) {
            Some(boundary) => Ok(BodyType::Multipart(boundary)),
            None => Ok(BodyType::Urlencoded),
        },
        "multipart/form-data" => multer::parse_boundary(value)
            .map(BodyType::Multipart)
            .map_err(|_| Problem::Body),
        // Some clients label the empty body of a request that has everything in its query.
        _ if body.is_empty() => Ok(BodyType::None),
        _ => Err(Problem::BodyType),
    }
}

/// Whether the parameters of a media type name no other character set than UTF-8.
pub(crate) fn is_utf8(parameters: &str) -> bool {
    parameters
        .split(';')
        .filter_map(|p| p.split_once('='))
        .all(|(name, value)| {
            !name.trim().eq_ignore_ascii_case("charset")
                || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
}

fn boundary_of_mislabelled(body: &Bytes) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let rest = text.strip_prefix("--")?;
    let boundary = rest
        .lines()
        .next()
        .filter(|line| (1..=70).contains(&line.len()))?;
    text.to_ascii_lowercase()
        .contains("content-disposition: form-data")
        .then(|| boundary.to_owned())
}

async fn read_multipart(params: &mut Params, body: Bytes, boundary: String) -> Result<(), Problem> {
    let bytes = stream::iter([Ok::<_, std::convert::Infallible>(body)]);
    let mut parts = multer::Multipart::new(bytes, boundary);
    while let Some(part) = parts.next_field().await.map_err(|_| Problem::Body)? {
        // A file is no parameter, and no client of the original sends one.
        if part.file_name().is_some() {
            return Err(Problem::Body);
        }
        let name = part.name().ok_or(Problem::Body)?.to_owned();
        let value = part.bytes().await.map_err(|_| Problem::Body)?;
        let value = std::str::from_utf8(&value).map_err(|_| FormError::Encoding)?;
        params.push(Place::Body, name, Zeroizing::new(value.to_owned()))?;
    }
    Ok(())
}
