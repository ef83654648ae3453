use super::*;

fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

/// Reads `file` with these variables, in a folder of its own.
fn read(file: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    read_with(file, environment, &Overrides::default())
}

fn read_with(
    file: &str,
    environment: &[(&str, &str)],
    overrides: &Overrides,
) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.toml");
    fs::write(&path, file).unwrap();
    let place = Place {
        config: Some(path),
        data: Some(folder.path().join("data")),
    };
    Config::read(&place, overrides, &variables(environment))
}

fn error(file: &str, environment: &[(&str, &str)]) -> String {
    read(file, environment).unwrap_err().to_string()
}

#[test]
fn a_misspelt_key_is_named_with_its_place_and_the_right_ones() {
    let message = error("[server]\n\nadress = \"127.0.0.1:1\"\n", &[]);
    assert!(
        message.contains("c.toml:3:1: unknown field `adress`"),
        "{message}"
    );
    assert!(message.contains("`address`"), "{message}");
}

#[test]
fn a_misspelt_variable_is_named_by_its_name() {
    let message = error(
        "[server]\n",
        &[("COUNTERSIGN__SERVR__ADDRESS", "127.0.0.1:1")],
    );
    assert!(
        message.starts_with(
            "environment variable `COUNTERSIGN__SERVR__ADDRESS`: unknown field `servr`"
        ),
        "{message}"
    );
    let message = error("", &[("COUNTERSIGN__SERVER__MAX_CONNECTIONS", "many")]);
    assert!(
        message.starts_with("environment variable `COUNTERSIGN__SERVER__MAX_CONNECTIONS`"),
        "{message}"
    );
}

#[test]
fn broken_syntax_has_a_place() {
    let message = error("data = \"x\"\n[server\n", &[]);
    assert!(message.contains("c.toml:2:"), "{message}");
}

#[test]
fn later_sources_win_and_the_rest_is_kept() {
    let overrides = Overrides {
        listen: Some("127.0.0.1:3".parse().unwrap()),
        issuer: None,
    };
    let config = read_with(
        "[server]\naddress = \"127.0.0.1:1\"\nmax_connections = 7\n[server.requests]\nmax_body_bytes = 9",
        &[
            ("COUNTERSIGN__SERVER__ADDRESS", "127.0.0.1:2"),
            ("COUNTERSIGN__SERVER__REQUESTS__MAX_BODY_BYTES", "10"),
        ],
        &overrides,
    );
    let config = config.unwrap();
    assert_eq!(config.server.address.port(), 3);
    assert_eq!(config.server.max_connections, 7);
    assert_eq!(config.server.requests.max_body_bytes, 10);
}

#[test]
fn variables_hold_lists_and_texts_alike() {
    let config = read(
        "",
        &[
            (
                "COUNTERSIGN__IMS__ALIASES",
                r#"["https://ims-na1.adobelogin.com"]"#,
            ),
            ("COUNTERSIGN__IMS__ISSUER", "https://ims.example.com"),
            ("COUNTERSIGN__IMS__REGION", "\"1\""),
        ],
    );
    let ims = config.unwrap().ims;
    assert_eq!(ims.aliases, ["https://ims-na1.adobelogin.com"]);
    assert_eq!(ims.issuer, "https://ims.example.com");
    assert_eq!(ims.region, "1");
}

#[test]
fn a_loopback_server_is_its_own_issuer_and_others_are_asked() {
    let config = read("[server]\naddress = \"127.0.0.1:9999\"", &[]).unwrap();
    let at = |port| {
        config
            .ims_at(SocketAddr::from(([127, 0, 0, 1], port)))
            .unwrap()
            .issuer
    };
    assert_eq!(at(9999), "http://127.0.0.1:9999");

    let message = error("[server]\naddress = \"0.0.0.0:80\"", &[]);
    assert!(message.contains("ims.issuer"), "{message}");
}

#[test]
fn values_that_no_type_forbids_are_checked() {
    assert!(error("[ims]\ntoken_life_seconds = 1", &[]).contains("ims.token_life_seconds"));
    assert!(error("[log]\nfilter = \"a=b=c\"", &[]).contains("log.filter"));
    assert!(error("catalogue = \"nowhere.toml\"", &[]).contains("nowhere.toml"));
}

#[test]
fn what_is_shown_holds_no_password() {
    let config = read(
        "",
        &[
            ("COUNTERSIGN__STORE__URL", "postgres://ann:hunter2@db/x"),
            ("COUNTERSIGN_MASTER_KEY", "hunter2"),
        ],
    );
    let config = config.unwrap();
    let shown = toml::to_string(&config.shown().unwrap()).unwrap();
    assert!(shown.contains("ann:***@db"), "{shown}");
    assert!(
        !shown.contains("hunter2") && !format!("{config:?}").contains("hunter2"),
        "{shown}"
    );
    read(&shown.replace("***", "x"), &[]).unwrap();
}

#[test]
fn the_database_is_in_the_data_folder_whatever_its_name() {
    let url = database_in(Path::new("/some where/50%?#")).unwrap();
    assert_eq!(url, "sqlite:///some%20where/50%25%3F%23/countersign.db");
}

const PROVIDER: &str = "[console.oidc.example]
name = \"Example\"
issuer = \"https://id.example.com\"
client_id = \"console\"
";

#[test]
fn the_secret_of_a_provider_comes_from_a_variable_and_is_not_shown() {
    let name = "COUNTERSIGN__CONSOLE__OIDC__EXAMPLE__CLIENT_SECRET";
    let config = read(PROVIDER, &[(name, "CANARY")]).unwrap();
    let (provider, _) = &config.providers().unwrap()[0];
    assert_eq!(provider.client_secret.expose(), "CANARY");
    let shown = toml::to_string(&config.shown().unwrap()).unwrap();
    assert!(shown.contains("client_secret = \"***\"") && !shown.contains("CANARY"));
    // A number would be read as one, and must not stand in the message.
    let message = error(PROVIDER, &[(name, "123456789")]);
    assert!(
        message.contains("in quotes") && !message.contains("1234"),
        "{message}"
    );
}

#[test]
fn a_provider_that_cannot_be_used_is_refused_before_a_port_is_opened() {
    let config = read(PROVIDER, &[]).unwrap();
    let message = config.check_listeners().unwrap_err().to_string();
    assert!(
        message.starts_with("`console.oidc.example`: `client_secret_file`"),
        "{message}"
    );
    let twice = format!(
        "{PROVIDER}client_secret = \"s\"\n{}client_secret = \"s\"\n",
        PROVIDER.replace(".example]", ".other]")
    );
    let config = read(&twice, &[]).unwrap();
    let message = config.check_listeners().unwrap_err().to_string();
    assert!(message.contains("is that of another one"), "{message}");
}
