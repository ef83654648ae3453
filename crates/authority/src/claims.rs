//! What access tokens say, of either kind: written when minted, read when verified.

use countersign_jose::{ClaimError, ClaimFault, Object};
use countersign_wire::claims::{Audience, ImsTokenClaims, StandardTokenClaims};
use countersign_wire::{ScopeSet, Timestamp};
use serde::Serialize;

/// What an access token says, in one shape for both kinds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenClaims {
    /// `id` or `jti`.
    pub id: String,
    /// Client id.
    pub client_id: String,
    /// Technical account id: `user_id` or `sub`.
    pub account_id: String,
    /// Organization id: `org` or `org_id`.
    pub org_id: String,
    /// What it may be used for.
    pub scope: ScopeSet,
    /// Who may accept it; empty where an IMS token does not say.
    pub audience: Vec<String>,
    /// When it was issued, to the millisecond in both kinds.
    pub created_at: Timestamp,
    /// What it was minted with, as in `secret:<id>`.
    pub minted_by: String,
    /// The claims as they were signed.
    pub signed: SignedClaims,
}

/// Claims as they were signed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum SignedClaims {
    /// Of an IMS token.
    Ims(ImsTokenClaims),
    /// Of a standard token.
    Standard(StandardTokenClaims),
}

/// Reads an IMS token of the issuer that calls itself `authorization_server`.
pub(crate) fn read_ims(
    claims: &Object,
    authorization_server: &str,
) -> Result<TokenClaims, ClaimError> {
    let text = |name| claims.string(name).map(str::to_owned);
    let ctp = claims.integer("ctp")?;
    must_be(claims, "as", authorization_server)?;
    must_not_have(claims, "iss")?;
    must_not_have(claims, "cnf")?;
    let audience = match claims.find("aud") {
        None => None,
        Some(_) => Some(audiences(claims)?),
    };
    let created_at = text("created_at")?;
    let signed = ImsTokenClaims {
        id: text("id")?,
        org: text("org")?,
        kind: text("type")?,
        client_id: text("client_id")?,
        user_id: text("user_id")?,
        authorization_server: text("as")?,
        aa_id: text("aa_id")?,
        ctp: u8::try_from(ctp).map_err(|_| ClaimError::new("ctp", ClaimFault::Value))?,
        moi: text("moi")?,
        expires_in: text("expires_in")?,
        created_at: created_at.clone(),
        scope: text("scope")?,
        aud: audience.clone(),
        minted_by: text("minted_by")?,
    };
    let created_at = created_at
        .parse()
        .map_err(|_| ClaimError::new("created_at", ClaimFault::Value))?;
    Ok(TokenClaims {
        id: signed.id.clone(),
        client_id: signed.client_id.clone(),
        account_id: signed.user_id.clone(),
        org_id: signed.org.clone(),
        scope: scopes(&signed.scope, ScopeSet::parse)?,
        audience: audience.unwrap_or_default(),
        created_at: Timestamp::from_millis(created_at),
        minted_by: signed.minted_by.clone(),
        signed: SignedClaims::Ims(signed),
    })
}

/// Reads a standard token of `issuer`.
pub(crate) fn read_standard(claims: &Object, issuer: &str) -> Result<TokenClaims, ClaimError> {
    let text = |name| claims.string(name).map(str::to_owned);
    must_be(claims, "iss", issuer)?;
    must_not_have(claims, "type")?;
    must_not_have(claims, "cnf")?;
    let audience = audiences(claims)?;
    let signed = StandardTokenClaims {
        iss: text("iss")?,
        sub: text("sub")?,
        aud: audience_claim(audience.clone())
            .ok_or_else(|| ClaimError::new("aud", ClaimFault::Value))?,
        client_id: text("client_id")?,
        org_id: text("org_id")?,
        scope: text("scope")?,
        jti: text("jti")?,
        iat: claims.integer("iat")?,
        exp: claims.integer("exp")?,
        minted_by: text("minted_by")?,
    };
    Ok(TokenClaims {
        id: signed.jti.clone(),
        client_id: signed.client_id.clone(),
        account_id: signed.sub.clone(),
        org_id: signed.org_id.clone(),
        scope: match signed.scope.as_str() {
            "" => ScopeSet::default(),
            scope => scopes(scope, ScopeSet::parse_blank_separated)?,
        },
        audience,
        created_at: created_at(&signed)?,
        minted_by: signed.minted_by.clone(),
        signed: SignedClaims::Standard(signed),
    })
}

/// `aud` of so many; nothing where there is none.
pub(crate) fn audience_claim<S>(mut all: Vec<S>) -> Option<Audience<S>> {
    match all.len() {
        0 => None,
        1 => all.pop().map(Audience::One),
        _ => Some(Audience::Several(all)),
    }
}

/// `iat` has seconds only, and a token that is minted just after all others of its secret were
/// revoked must hold: the id tells the millisecond.
fn created_at(claims: &StandardTokenClaims) -> Result<Timestamp, ClaimError> {
    let millis = claims.jti.split('_').next().and_then(|ms| ms.parse().ok());
    millis
        .map(Timestamp::from_millis)
        .filter(|at| at.as_seconds() == claims.iat)
        .ok_or_else(|| ClaimError::new("jti", ClaimFault::Value))
}

fn scopes(
    text: &str,
    parse: impl Fn(&str) -> Result<ScopeSet, countersign_wire::scope::ScopeError>,
) -> Result<ScopeSet, ClaimError> {
    parse(text).map_err(|_| ClaimError::new("scope", ClaimFault::Value))
}

fn audiences(claims: &Object) -> Result<Vec<String>, ClaimError> {
    let all = claims.audiences()?;
    Ok(all.into_iter().map(str::to_owned).collect())
}

fn must_be(claims: &Object, name: &'static str, value: &str) -> Result<(), ClaimError> {
    if claims.string(name)? == value {
        Ok(())
    } else {
        Err(ClaimError::new(name, ClaimFault::Value))
    }
}

/// Claims of the other kind, and `cnf`: no binding to the sender is implemented, and a bound token
/// is no plain bearer token (RFC 8705 section 3, RFC 9449 section 7.1).
fn must_not_have(claims: &Object, name: &'static str) -> Result<(), ClaimError> {
    match claims.find(name) {
        None => Ok(()),
        Some(_) => Err(ClaimError::new(name, ClaimFault::Value)),
    }
}
