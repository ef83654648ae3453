//! Who calls: what the gateway says of it, and nothing else.

use countersign_wire::gateway::{CLIENT_ID, ORG_ID, SCOPE, USER_ID};
use countersign_wire::{ClientId, OrgId, Scope, ScopeSet};
use http::HeaderMap;

/// The caller as the gateway found it.
///
/// Source: spec/ims-protocol.md 8.4. The gateway strips these headers from what comes in and sets
/// its own, and nobody else reaches a loopback port, so they are believed.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose data it sees.
    pub org: OrgId,
    /// The technical account, named as the starter of executions.
    pub user: String,
    scopes: ScopeSet,
}

/// A call that did not come through the gateway.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotThroughGateway;

impl Caller {
    /// Reads the identity headers, each of which must be there exactly once.
    ///
    /// # Errors
    /// [`NotThroughGateway`] when one is missing, doubled or malformed.
    pub fn read(headers: &HeaderMap) -> Result<Self, NotThroughGateway> {
        let text = |name| one(headers, name).ok_or(NotThroughGateway);
        ClientId::parse(text(CLIENT_ID)?).map_err(|_| NotThroughGateway)?;
        Ok(Self {
            org: OrgId::parse(text(ORG_ID)?).map_err(|_| NotThroughGateway)?,
            user: text(USER_ID)?.to_owned(),
            scopes: ScopeSet::parse(text(SCOPE)?).map_err(|_| NotThroughGateway)?,
        })
    }

    /// Whether the token holds `scope`.
    #[must_use]
    pub fn has(&self, scope: &str) -> bool {
        self.scopes
            .iter()
            .map(Scope::as_str)
            .any(|held| held == scope)
    }
}

fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    (values.next().is_none() && !value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    const WHOLE: [(&str, &str); 4] = [
        (
            "x-ims-user-id",
            "0123456789ABCDEF01234567@techacct.adobe.com",
        ),
        ("x-ims-client-id", "0123456789abcdef0123456789abcdef"),
        ("x-ims-org-id", "76543210FEDCBA9876543210@AdobeOrg"),
        ("x-ims-scope", "openid,AdobeID read_pc.dma_aem_ams"),
    ];

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        headers
    }

    #[test]
    fn all_four_headers_are_needed_once() {
        let caller = Caller::read(&headers(&WHOLE)).expect("whole");
        assert!(caller.has("read_pc.dma_aem_ams") && !caller.has("read_pc"));
        for left_out in 0..WHOLE.len() {
            let mut some = WHOLE.to_vec();
            let doubled = some.remove(left_out);
            assert!(Caller::read(&headers(&some)).is_err(), "{doubled:?}");
            some.extend([doubled, doubled]);
            assert!(Caller::read(&headers(&some)).is_err(), "{doubled:?} twice");
        }
    }

    #[test]
    fn an_organization_is_no_free_text() {
        let mut foreign = WHOLE;
        foreign[2].1 = "example";
        assert!(Caller::read(&headers(&foreign)).is_err());
    }
}
