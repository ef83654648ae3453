//! Organizations, projects, profiles, services, keys, policy: each verb once.

use crate::place::Place;

#[test]
fn organizations_projects_and_profiles_are_made_listed_and_changed() {
    let place = Place::with_project();

    let org = &place.json(&["organizations", "list"])[0];
    assert_eq!(org["name"], "Example");
    let id = org["id"].as_str().unwrap();
    let changed = place.json(&[
        "organizations",
        "set",
        id,
        "--replay",
        "require_jti",
        "--secrets-in-query",
        "refuse",
    ]);
    assert_eq!(
        (&changed["replay"], &changed["secrets_in_query"]),
        (&"require_jti".into(), &"refuse".into())
    );

    assert_eq!(
        place.json(&["projects", "disable", "Demo"])["enabled"],
        false
    );
    assert_eq!(place.json(&["projects", "enable", "Demo"])["enabled"], true);
    let table = place.admin(&["projects", "list"]).stdout;
    assert!(
        table.starts_with("id\tname\ttitle\tenabled\n") && table.contains("\tDemo\tDemo\tyes\n"),
        "{table}"
    );

    let profile = place.json(&[
        "profiles",
        "create",
        "--service",
        "DocCloudSDK",
        "--name",
        "All of it",
    ]);
    assert_eq!(place.json(&["profiles", "list"])[0]["id"], profile["id"]);
}

#[test]
fn which_organization_is_asked_only_when_there_are_several() {
    let place = Place::empty();
    let ran = place.admin(&["projects", "list"]);
    assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("hint: make one"), "{}", ran.stderr);

    let first = place.admin(&["organizations", "create", "--name", "it's first", "--env"]);
    let first = first
        .stdout
        .trim()
        .strip_prefix("ORG_ID='")
        .and_then(|id| id.strip_suffix('\''))
        .unwrap();
    place.json(&["organizations", "create", "--name", "Second"]);

    let ran = place.admin(&["projects", "create", "--name", "Demo"]);
    assert!(
        ran.exit == 2 && ran.stderr.contains("--org ID"),
        "{}",
        ran.stderr
    );
    place.json(&["projects", "create", "--name", "Demo", "--org", first]);
}

#[test]
fn the_catalogue_is_shown_and_exported_as_it_can_be_used() {
    let place = Place::empty();

    assert_eq!(
        place.json(&["services", "show", "DocCloudSDK"])["metascopes"][0],
        "ent_documentcloud_sdk"
    );
    assert_eq!(place.admin(&["services", "show", "NoSuchSDK"]).exit, 1);
    let exported = place.admin(&["services", "export"]).stdout;
    std::fs::write(
        place.path("own.toml"),
        exported.replace("PDF Services API", "Own name"),
    )
    .unwrap();
    std::fs::write(place.path("c.toml"), "catalogue = \"own.toml\"").unwrap();

    assert!(
        place
            .admin(&["services", "list", "--config", "c.toml"])
            .stdout
            .contains("Own name")
    );
    assert!(!place.path("data").exists(), "nothing was made for it");
}

#[test]
fn keys_are_listed_and_rotated_but_not_too_early() {
    let place = Place::empty();

    assert_eq!(place.json(&["keys", "list"])[0]["state"], "active");
    assert_eq!(place.json(&["keys", "rotate"])["done"], "published");
    let early = place.admin(&["keys", "rotate"]);
    assert!(
        early.exit == 1 && early.stderr.contains("may sign from"),
        "{}",
        early.stderr
    );
}

#[test]
fn a_key_that_signs_is_taken_out_by_force_only() {
    let place = Place::empty();
    let key = place.json(&["keys", "list"])[0].clone();
    assert_eq!(key["next_step"], "publish_next");
    let id = key["id"].as_str().unwrap();

    let kept = place.admin(&["keys", "remove", id]);
    let removed = place.admin(&["keys", "remove", id, "--force", "--json"]);

    assert!(
        kept.exit == 1 && kept.stderr.contains("--force"),
        "{}",
        kept.stderr
    );
    assert!(
        removed.stderr.contains("within a second"),
        "{}",
        removed.stderr
    );
    let keys = place.json(&["keys", "list"]);
    let states = [&keys[0]["state"], &keys[1]["state"]];
    assert_eq!(
        states,
        [&"removed".into(), &serde_json::Value::from("active")]
    );
    assert_eq!(place.admin(&["keys", "remove", "unknown"]).exit, 1);
}

#[test]
fn a_policy_is_set_by_preset_and_by_single_dates() {
    let place = Place::with_project();
    let org = place.json(&["organizations", "list"])[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();

    let rows = place.json(&[
        "policy",
        "set",
        "--preset",
        "as-it-went",
        "--final-on",
        "never",
    ]);
    assert_eq!(rows[0]["end_of_life_on"], "2025-07-01T00:00:00Z");
    assert!(
        rows[0]["final_on"].is_null() && rows[0]["preset"].is_null(),
        "{rows}"
    );
    let rows = place.json(&["policy", "set", "--org", &org, "--preset", "open"]);
    assert_eq!(
        (&rows[1]["of"], &rows[1]["preset"]),
        (&org.as_str().into(), &"open".into())
    );
    let rows = place.json(&["policy", "clear", "--org", &org]);
    assert_eq!(rows.as_array().unwrap().len(), 1);

    let wrong = place.admin(&["policy", "set", "--final-on", "2001-01-01"]);
    assert!(
        wrong.exit == 1 && wrong.stderr.contains("final_on"),
        "{}",
        wrong.stderr
    );
    assert_eq!(place.admin(&["policy", "set"]).exit, 2);
}

#[test]
fn services_are_published_shown_and_taken_back() {
    let place = Place::with_project();
    let toml = place.path("service.toml");
    let text = "name = \"pdf\"\nservice = \"DocCloudSDK\"\nprefix = \"/pdf\"\nupstreams = [\"http://127.0.0.1:9\"]\n";
    std::fs::write(&toml, text).unwrap();
    let file = toml.to_str().unwrap();

    let made = place.json(&["published-services", "create", file]);

    assert_eq!(
        (&made["name"], &made["source"]),
        (&"pdf".into(), &"database".into())
    );
    assert_eq!(
        place.json(&["published-services", "list"])[0]["prefix"],
        "/pdf"
    );
    let shown = place.admin(&["published-services", "show", "pdf"]);
    let twice = place.admin(&["published-services", "create", file]);
    assert_eq!(twice.exit, 1);
    assert!(
        twice.stderr.contains("another published service `pdf`"),
        "{}",
        twice.stderr
    );
    place.json(&["published-services", "delete", "pdf"]);
    let again = place.admin_with_stdin(&["published-services", "create", "-"], &shown.stdout);
    assert_eq!(
        again.exit, 0,
        "what is shown can be published: {}",
        again.stderr
    );
    place.json(&["published-services", "delete", "pdf"]);
    assert_eq!(
        place.admin(&["published-services", "delete", "pdf"]).exit,
        1
    );
    for (mistake, key) in [
        ("DocCloudSDK", "`service`"),
        ("/pdf", "prefix"),
        ("prefix", "prefux"),
    ] {
        let wrong = match mistake {
            "DocCloudSDK" => "Nope",
            "/pdf" => "/pdf/",
            _ => "prefux",
        };
        std::fs::write(&toml, text.replacen(mistake, wrong, 1)).unwrap();
        let refused = place.admin(&["published-services", "create", file]);
        assert_ne!(refused.exit, 0);
        assert!(refused.stderr.contains(key), "{}", refused.stderr);
    }
}
