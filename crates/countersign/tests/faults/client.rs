//! A client, and what it sees of a server.

use std::fs;

use serde_json::Value;

use crate::http::{Answer, post};
use crate::place::Place;

/// In the row of every credential, and nowhere else.
pub const CONTACT: &str = "tests@example.com";

pub struct Client {
    pub id: String,
    secret: String,
}

impl Client {
    /// A credential in a project of its own.
    pub fn new(place: &Place, name: &str) -> Self {
        place.json(&["projects", "create", "--name", name]);
        let file = place.text(name);
        let create = [
            "credentials",
            "create",
            "--type",
            "oauth-server-to-server",
            "--project",
            name,
            "--name",
            name,
            "--owner-team",
            "Tests",
            "--owner-contact",
            CONTACT,
            "--service",
            "DocCloudSDK",
            "--save",
            &file,
            "--issuer",
            "http://127.0.0.1:8080",
        ];
        let saved = place.admin(&create);
        assert_eq!(saved.exit, 0, "{}", saved.stderr);
        let saved: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let text = |name: &str| saved[name].as_str().unwrap().to_owned();
        Self {
            id: text("client_id"),
            secret: text("client_secret"),
        }
    }

    pub fn ask_for_token(&self, origin: &str) -> Answer {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &*self.id),
            ("client_secret", &*self.secret),
            ("scope", "openid"),
        ];
        post(origin, "/ims/token/v3", &form)
    }

    pub fn token(&self, origin: &str) -> String {
        let answer = self.ask_for_token(origin);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    pub fn holds(&self, origin: &str, token: &str) -> bool {
        let form = [
            ("client_id", &*self.id),
            ("type", "access_token"),
            ("token", token),
        ];
        let answer = post(origin, "/ims/validate_token/v1", &form);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["valid"].as_bool().unwrap()
    }

    /// Revokes at one of the two faces.
    pub fn revoke(&self, origin: &str, path: &str, token: &str) -> Answer {
        let form = [
            ("client_id", &*self.id),
            ("client_secret", &*self.secret),
            ("token", token),
        ];
        post(origin, path, &form)
    }
}
