use super::*;

fn service(more: &str) -> Result<CheckedService, PublishedError> {
    let text = format!(
        "name = \"cloud-manager\"\nservice = \"CloudManagerSDK\"\nupstreams = [\"http://127.0.0.1:9000\"]\n{more}"
    );
    let service = PublishedService::from_toml(&text).expect(more);
    service.checked(&Catalogue::parse(Catalogue::BUILT_IN).expect("built in"))
}

#[test]
fn what_is_left_out_comes_from_the_catalogue_and_is_strict() {
    let published = service("").expect("enough");
    let header = RequiredHeader {
        name: "x-gw-ims-org-id".to_owned(),
        holds: Holds::Organization,
    };
    assert_eq!(published.required_headers(), [header]);
    assert_eq!(published.accepts, [Console::DeveloperConsole]);
    assert!(published.profile_required && !published.forward_token);
    assert!(!published.token_in_query && !published.api_key_in_query);
}

#[test]
fn services_of_the_catalogue_name_their_organization_in_different_headers() {
    let catalogue = Catalogue::parse(Catalogue::BUILT_IN).expect("built in");
    let mut seen = std::collections::BTreeMap::new();
    for service in catalogue.iter() {
        let headers = RequiredHeader::of_catalogue(&service.headers);
        header::check(&headers).expect("can be demanded");
        seen.extend(
            headers
                .into_iter()
                .map(|header| (header.name, header.holds)),
        );
    }
    let expected = [
        ("x-gw-ims-org-id", Holds::Organization),
        ("x-ims-org-id", Holds::Organization),
        ("x-organization-id", Holds::Organization),
        ("x-proxy-global-company-id", Holds::Anything),
    ];
    let seen: Vec<_> = seen
        .iter()
        .map(|(name, holds)| (name.as_str(), *holds))
        .collect();
    assert_eq!(seen, expected);
    let user_management = ServiceCode::parse("UserMgmtSDK").expect("a code");
    assert!(
        catalogue
            .find(&user_management)
            .expect("known")
            .headers
            .is_empty()
    );
}

#[test]
fn the_first_operation_that_fits_says_which_scopes() {
    let published = service(
        "scopes = [\"openid\"]\n\
         [[operations]]\nmethods = [\"GET\"]\npath = \"/api/programs\"\nscopes = []\n\
         [[operations]]\npath = \"/api/**\"\nscopes = [\"read_pc.dma_aem_ams\"]\n",
    );
    let published = published.expect("fine");
    let scopes = |method, path| {
        let scopes = published.scopes_for(method, path).iter();
        scopes.map(Scope::as_str).collect::<Vec<_>>()
    };
    assert_eq!(scopes("GET", "/api/programs"), [""; 0]);
    assert_eq!(scopes("PUT", "/api/programs"), ["read_pc.dma_aem_ams"]);
    assert_eq!(scopes("GET", "/other"), ["openid"]);
}

#[test]
fn what_cannot_work_is_refused_by_its_key() {
    let table = [
        ("hosts = [\"API.example.com\"]", "hosts"),
        ("hosts = [\"a:80\"]", "hosts"),
        ("idle_timeout_ms = 0", "idle_timeout_ms"),
        ("retries = 6", "retries"),
        ("accepts = []", "accepts"),
        ("scopes = [\"user_management_sdk\"]", "scopes"),
        (
            "required_headers = [{ name = \"X-Org\", holds = \"anything\" }]",
            "required_headers",
        ),
        (
            "required_headers = [{ name = \"x-api-key\", holds = \"anything\" }]",
            "required_headers",
        ),
        (
            "required_headers = [{ name = \"a\", holds = \"anything\" }, { name = \"a\", holds = \"organization\" }]",
            "required_headers",
        ),
    ];
    for (more, key) in table {
        let error = service(more).expect_err(more).to_string();
        assert!(error.starts_with(&format!("`{key}`")), "{error}");
    }
}

#[test]
fn it_is_stored_as_it_was_written() {
    let published =
        service("required_headers = []\nmax_body_bytes = 7\n[limits]\nper_client_per_minute = 3")
            .expect("fine");
    let json = published.to_json();
    let again = PublishedService::from_json(&json).expect("the same shape");
    assert_eq!(&again, published.definition());
    assert_eq!(published.required_headers(), []);
    assert!(PublishedService::from_json(&json.replace("retries", "retry")).is_err());
}
