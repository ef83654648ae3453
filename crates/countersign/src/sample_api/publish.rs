//! How the sample is published at the gateway.

use std::net::SocketAddr;

use countersign_model::{Catalogue, PublishedService, Service};
use serde_json::json;

use super::{cloud, users};

/// The catalogue has no service that the sample could be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the sample API cannot be published: no service of the catalogue has the metascope `{0}` and the scope `{1}`"
)]
pub struct NotInCatalogue(&'static str, &'static str);

/// The two services of a sample that answers on `address`.
///
/// Only credentials of the Developer Console are let in: what was minted for one AEM environment is
/// no use to Cloud Manager (spec/aem-integrations.md section 1, rule 1).
///
/// # Errors
/// [`NotInCatalogue`] with a catalogue of one's own.
pub fn published(
    address: SocketAddr,
    catalogue: &Catalogue,
) -> Result<[PublishedService; 2], NotInCatalogue> {
    let cloud_manager = json!({
        "name": "sample-cloud-manager",
        "service": find(catalogue, "ent_cloudmgr_sdk", cloud::SCOPE)?.code,
        "prefix": "/api",
        "upstreams": [format!("http://{address}")],
        "accepts": ["developer_console"],
        "scopes": [cloud::SCOPE],
        // Who changes something is asked for the product context, too. Our choice: the original
        // does not say which scope lets a pipeline be started.
        "operations": [{
            "methods": ["PUT", "POST", "PATCH", "DELETE"],
            "path": "/api/**",
            "scopes": [cloud::SCOPE, PRODUCT_CONTEXT],
        }],
        "max_body_bytes": MOST_BODY_BYTES,
    });
    let user_management = json!({
        "name": "sample-user-management",
        "service": find(catalogue, "ent_user_sdk", users::SCOPE)?.code,
        "prefix": "/v2/usermanagement",
        "upstreams": [format!("http://{address}")],
        "accepts": ["developer_console"],
        "scopes": [users::SCOPE],
        "profile_required": false,
        "max_body_bytes": MOST_BODY_BYTES,
    });
    Ok([cloud_manager, user_management]
        .map(|service| serde_json::from_value(service).expect("written above, in the right form")))
}

fn find<'c>(
    catalogue: &'c Catalogue,
    metascope: &'static str,
    scope: &'static str,
) -> Result<&'c Service, NotInCatalogue> {
    let fits = |service: &&Service| {
        service
            .metascopes
            .iter()
            .any(|known| known.as_str() == metascope)
            && service.scopes.iter().any(|known| known.as_str() == scope)
    };
    catalogue
        .iter()
        .find(fits)
        .ok_or(NotInCatalogue(metascope, scope))
}

const PRODUCT_CONTEXT: &str = "additional_info.projectedProductContext";
const MOST_BODY_BYTES: u64 = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9000);

    #[test]
    fn both_services_can_be_published() {
        let catalogue = Catalogue::parse(Catalogue::BUILT_IN).expect("valid");
        let services = published(ADDRESS, &catalogue).expect("in the catalogue");
        let [cloud, users] = services.map(|service| service.checked(&catalogue).expect("valid"));
        assert_eq!(
            (cloud.service.as_str(), users.service.as_str()),
            ("CloudManagerSDK", "UserMgmtSDK")
        );
        assert_eq!(cloud.required_headers().len(), 1);
        assert!(users.required_headers().is_empty());
        let execution = "/api/program/1/pipeline/2/execution";
        assert_eq!(cloud.scopes_for("GET", execution).len(), 1);
        assert_eq!(cloud.scopes_for("PUT", execution).len(), 2);
    }

    #[test]
    fn a_catalogue_without_them_is_named() {
        let text = Catalogue::BUILT_IN.replace("ent_cloudmgr_sdk", "other");
        let catalogue = Catalogue::parse(&text).expect("valid");
        let error = published(ADDRESS, &catalogue).expect_err("missing");
        assert!(error.to_string().contains("ent_cloudmgr_sdk"), "{error}");
    }
}
