//! The service catalogue, and subscribing to it.

use serde::{Deserialize, Deserializer, Serialize};

use crate::id::{OrgId, ProfileId, ServiceCode};

/// A service to subscribe to.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceRequest {
    /// Which.
    pub sdk_code: ServiceCode,
    /// Through which product profiles.
    #[serde(default)]
    pub license_configs: Option<Vec<LicenseRequest>>,
}

/// A product profile to subscribe through.
#[derive(Clone, Debug, Deserialize)]
pub struct LicenseRequest {
    /// Which: text, or a number as some programs send it.
    #[serde(deserialize_with = "profile_id")]
    pub id: ProfileId,
    /// `add`, which is also meant by nothing, or `remove`.
    #[serde(default)]
    pub op: Option<String>,
}

fn profile_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ProfileId, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Text(ProfileId),
        Number(u64),
    }
    Ok(match Id::deserialize(deserializer)? {
        Id::Text(id) => id,
        Id::Number(number) => ProfileId::from_number(number),
    })
}

/// What a credential is subscribed to now.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionResult {
    /// All of its services.
    pub sdk_list: Vec<ServiceCode>,
    /// Always empty: a request is taken whole or not at all.
    pub error_list: [&'static str; 0],
}

/// A service of the catalogue.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// `sdkCode`.
    pub code: ServiceCode,
    /// For people.
    pub name: String,
    /// `entp`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Whether the caller can add it.
    pub enabled: bool,
    /// Nothing is known here.
    pub platform_list: Option<[&'static str; 0]>,
    /// Nothing is known here.
    pub docs_url: Option<&'static str>,
    /// Nothing is known here.
    pub learn_more_url: Option<&'static str>,
    /// Nothing is known here.
    pub description: Option<&'static str>,
    /// No service of the catalogue is.
    pub deprecated: bool,
    /// Its product profiles.
    pub properties: ServiceProperties,
    /// Nothing waits for anybody's approval.
    pub requires_approval: bool,
    /// There is nobody to ask by this API.
    pub can_request_access: bool,
    /// The catalogue is for every organization.
    pub entitled_for_org: bool,
    /// Why the caller cannot add it.
    pub disabled_reasons: Vec<DisabledReason>,
}

/// What belongs to a service.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceProperties {
    /// Product profiles; the original has `null` for a service without.
    pub license_configs: Option<Vec<LicenseConfig>>,
}

/// A product profile.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LicenseConfig {
    /// Its id.
    pub id: ProfileId,
    /// For people.
    pub name: String,
    /// The service it is of: there are no products apart from services here.
    pub product_id: ServiceCode,
    /// Nothing is kept here.
    pub description: Option<&'static str>,
}

/// Why a service cannot be added: those words of the original that can be true here.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DisabledReason {
    /// The caller is a developer of none of its product profiles.
    UserMissingProductProfiles,
    /// Only System Administrators add it.
    UserMissingAdminRole,
    /// The caller only looks.
    UserMissingAdminOrDeveloperRole,
}

/// The same services in the form of the second version.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicesOfOrganization {
    /// `…@AdobeOrg`.
    pub org_code: OrgId,
    /// Which were asked for, with commas between them; `null` is all.
    pub sdk_codes: Option<String>,
    /// The services.
    pub services: Vec<Service>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_send_is_read() {
        let body = r#"{"sdkCode":"CloudManagerSDK","atlasPlanCode":"x","roles":null,
            "licenseConfigs":[{"productId":"p","id":"123","op":"add"},{"id":456}]}"#;
        let request: ServiceRequest = serde_json::from_str(body).expect("reads");
        let profiles = request.license_configs.expect("two");
        let ids: Vec<_> = profiles.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, ["123", "456"]);

        let bare = r#"{"sdkCode":"AdobeIOManagementAPISDK","licenseConfigs":null}"#;
        let request: ServiceRequest = serde_json::from_str(bare).expect("reads");
        assert!(request.license_configs.is_none());
    }

    #[test]
    fn reasons_have_the_words_of_the_original() {
        let all = [
            DisabledReason::UserMissingProductProfiles,
            DisabledReason::UserMissingAdminRole,
            DisabledReason::UserMissingAdminOrDeveloperRole,
        ];
        let words = serde_json::to_string(&all).expect("writes");
        assert_eq!(
            words,
            r#"["USER_MISSING_PRODUCT_PROFILES","USER_MISSING_ADMIN_ROLE","USER_MISSING_ADMIN_OR_DEVELOPER_ROLE"]"#
        );
    }
}
