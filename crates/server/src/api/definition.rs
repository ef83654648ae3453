//! The description of a published service, for the OpenAPI document: the shape itself is
//! `model/published.rs`, which knows nothing of documents.

use utoipa::ToSchema;

/// Where a service is found, who may call it, where calls go. `docs/gateway.md` says more of each
/// member.
#[derive(ToSchema)]
#[schema(as = PublishedServiceDefinition)]
#[expect(dead_code, reason = "only described")]
pub(super) struct DefinitionSchema {
    /// 1 to 40 lower-case letters, digits and `-`.
    name: String,
    /// The service of the catalogue that callers must be subscribed to.
    service: String,
    /// Host names it is found under, without a port; any, if empty.
    #[schema(required = false)]
    hosts: Vec<String>,
    /// What its paths begin with; `/` if absent.
    #[schema(required = false)]
    prefix: String,
    /// Whether the upstream sees paths without the prefix.
    #[schema(required = false)]
    strip_prefix: bool,

    /// Origins that serve it, such as `http://127.0.0.1:9000`.
    upstreams: Vec<String>,
    /// PEM file, on each node, with the certificates that `https` upstreams are trusted by.
    upstream_ca_file: Option<String>,
    /// Whether upstreams are spoken to in HTTP/2.
    #[schema(required = false)]
    http2_upstream: bool,
    /// For a connection.
    #[schema(required = false)]
    connect_timeout_ms: u64,
    /// From the end of a request to the head of its answer.
    #[schema(required = false)]
    response_timeout_ms: u64,
    /// Between two pieces of a body.
    #[schema(required = false)]
    idle_timeout_ms: u64,
    /// Calls that one upstream has at once; 0 is no limit.
    #[schema(required = false)]
    max_concurrent_requests: u32,
    /// How often a request of which nothing was lost is tried again.
    #[schema(required = false, maximum = 5)]
    retries: u32,
    /// So many failures in a row keep an upstream out; 0 is never.
    #[schema(required = false)]
    eject_after_failures: u32,
    /// For how long.
    #[schema(required = false)]
    eject_seconds: u64,

    /// Headers that a call must have besides `Authorization` and `x-api-key`; those of the
    /// catalogue, if absent.
    required_headers: Option<Vec<RequiredHeaderSchema>>,
    /// `developer_console` and `aem_developer_console`: where the credential of a token may come
    /// from.
    #[schema(required = false)]
    accepts: Vec<String>,
    /// Client ids that may call; all that are subscribed, if empty.
    #[schema(required = false)]
    clients: Vec<String>,
    /// Whether the subscription must hold a product profile; it must, if absent.
    #[schema(required = false)]
    profile_required: bool,
    /// Scopes that every operation asks for which `operations` does not name.
    #[schema(required = false)]
    scopes: Vec<String>,
    /// What single operations ask for instead; the first that fits wins.
    #[schema(required = false)]
    operations: Vec<OperationSchema>,
    /// Calls that are let through, per node.
    #[schema(required = false)]
    limits: LimitsSchema,
    /// Longest body of a request; 0 is no limit.
    #[schema(required = false)]
    max_body_bytes: u64,

    /// Whether the upstream gets the caller's token.
    #[schema(required = false)]
    forward_token: bool,
    /// Whether `api_key` of the query counts where `x-api-key` is absent.
    #[schema(required = false)]
    api_key_in_query: bool,
    /// Whether `user_token` of the query counts where `Authorization` is absent.
    #[schema(required = false)]
    token_in_query: bool,
    /// `adobe` or `rfc6750`: in which words a call is refused.
    #[schema(required = false)]
    errors: String,
    /// Whether `OPTIONS` passes without any check; it does, if absent.
    #[schema(required = false)]
    allow_options: bool,
}

/// A header that a call must have exactly once.
#[derive(ToSchema)]
#[schema(as = RequiredHeader)]
#[expect(dead_code, reason = "only described")]
struct RequiredHeaderSchema {
    /// In lower case.
    name: String,
    /// `organization`, which must be the token's, or `anything`.
    holds: String,
}

/// Operations, by method and path, and the scopes they ask for.
#[derive(ToSchema)]
#[schema(as = Operation)]
#[expect(dead_code, reason = "only described")]
struct OperationSchema {
    /// In capitals; any, if absent.
    #[schema(required = false)]
    methods: Vec<String>,
    /// As in `/api/program/{id}/**`.
    path: String,
    /// All of which a token must have.
    scopes: Vec<String>,
}

/// Calls per minute and node; 0 is no limit.
#[derive(ToSchema)]
#[schema(as = Limits)]
#[expect(dead_code, reason = "only described")]
struct LimitsSchema {
    /// Of one client.
    #[schema(required = false)]
    per_client_per_minute: u32,
    /// Of all clients of one organization together.
    #[schema(required = false)]
    per_organization_per_minute: u32,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use countersign_model::PublishedService;
    use serde_json::Value;

    /// Each member that there is, and no other, is described; those that must be there, too.
    #[test]
    fn the_description_has_the_members_of_the_shape() {
        let text = r#"
            name = "a"
            service = "DocCloudSDK"
            upstreams = ["http://a"]
            upstream_ca_file = "ca.pem"
            required_headers = [{ name = "x-gw-ims-org-id", holds = "organization" }]
            operations = [{ methods = ["GET"], path = "/", scopes = [] }]"#;
        let service = PublishedService::from_toml(text).expect("usable");
        let shape: Value = serde_json::from_str(&service.to_json()).expect("JSON");
        let document = serde_json::to_value(crate::api::openapi()).expect("JSON");
        let schemas = &document["components"]["schemas"];
        for (name, shape) in [
            ("PublishedServiceDefinition", &shape),
            ("RequiredHeader", &shape["required_headers"][0]),
            ("Operation", &shape["operations"][0]),
            ("Limits", &shape["limits"]),
        ] {
            let members = |value: &Value| -> BTreeSet<String> {
                let members = value.as_object().expect("an object");
                members.keys().cloned().collect()
            };
            assert_eq!(
                members(&schemas[name]["properties"]),
                members(shape),
                "{name}"
            );
        }
        let required = &schemas["PublishedServiceDefinition"]["required"];
        assert_eq!(
            *required,
            serde_json::json!(["name", "service", "upstreams"])
        );
    }
}
