//! People who go to an OpenID provider and come back.

use std::sync::Arc;

use countersign::oidc::Settings;
use countersign_authority::{ProviderConfig, ProviderHttp};
use countersign_jose::Algorithm;
use countersign_testkit::provider::{CLIENT_ID, CLIENT_SECRET};
use countersign_testkit::{Answer, ISSUER, Setup, TestApp, TestDatabase, TestProvider};

/// The product with one provider, `example`, and the provider.
pub struct World {
    pub app: TestApp,
    pub provider: TestProvider,
}

/// A browser on its way to the provider: what it was told to keep, and where it was sent.
pub struct Departed {
    pub cookie: String,
    pub address: String,
}

impl World {
    pub async fn new() -> Self {
        Self::on(TestDatabase::sqlite().await, Algorithm::Es256, "").await
    }

    /// With keys of that algorithm, and more settings of the provider.
    pub async fn on(database: TestDatabase, algorithm: Algorithm, more: &str) -> Self {
        let provider = TestProvider::start(algorithm).await;
        let setup = Setup {
            providers: vec![configured("example", &provider, more)],
            ..Setup::default()
        };
        let app = TestApp::on(database, setup).await;
        provider.follow(&app.clock);
        Self { app, provider }
    }

    /// Follows a link to the provider, with these cookies.
    pub async fn depart(&self, query: &str, cookies: &str) -> Departed {
        let path = format!("/console/sign-in/with/example{query}");
        let call = self.app.anonymous().get(&path).header("cookie", cookies);
        Departed::by(&call.send().await)
    }

    /// Agrees at the provider and comes back, with these cookies besides that of the departure.
    pub async fn arrive(&self, departed: &Departed, cookies: &str) -> Answer {
        let path = self.approve(departed);
        let cookies = format!("{}; {cookies}", departed.cookie);
        self.come(&path, &cookies).await
    }

    /// The path that the provider sends the browser to.
    pub fn approve(&self, departed: &Departed) -> String {
        let back = self.provider.approve(&departed.address);
        back.strip_prefix(ISSUER).unwrap().to_owned()
    }

    /// Opens what the provider sent the browser to.
    pub async fn come(&self, path: &str, cookies: &str) -> Answer {
        let call = self.app.anonymous().get(path).header("cookie", cookies);
        call.faults_expected().send().await
    }

    /// There and back, by somebody who is not signed in.
    pub async fn sign_in(&self) -> Answer {
        let departed = self.depart("", "").await;
        self.arrive(&departed, "").await
    }

    /// What the operator reads about a refusal.
    pub async fn cause(&self, answer: &Answer) -> String {
        self.app
            .explain(&answer.debug_id())
            .await
            .unwrap_or_default()
    }

    /// What the activity log has of an action, one line each.
    pub async fn events(&self, action: &str) -> Vec<String> {
        let text = format!(
            "SELECT actor || ' ' || subject || ' ' || detail FROM audit WHERE action = '{action}'"
        );
        self.app.database.query(&text).await
    }
}

impl Departed {
    /// By the answer to the link.
    pub fn by(answer: &Answer) -> Self {
        assert_eq!(answer.status, 303, "{}", answer.body);
        Self {
            cookie: answer.cookie("-provider").unwrap(),
            address: answer.header("location").unwrap().to_owned(),
        }
    }
}

/// A provider as an operator configures it, asked over HTTP.
pub fn configured(
    id: &str,
    provider: &TestProvider,
    more: &str,
) -> (ProviderConfig, Arc<dyn ProviderHttp>) {
    let issuer = &provider.issuer;
    let settings = format!(
        "name = \"Example ID\"\nissuer = \"{issuer}\"\nclient_id = \"{CLIENT_ID}\"\n\
        client_secret = \"{CLIENT_SECRET}\"\n{more}"
    );
    let settings: Settings = toml::from_str(&settings).unwrap();
    let (config, http) = settings.connect(id).unwrap();
    (config, Arc::new(http))
}

/// The value of a field that a page hides in a form.
pub fn hidden(page: &Answer, name: &str) -> String {
    let at = format!("name=\"{name}\" value=\"");
    let rest = page.body.split(&at).nth(1);
    let value = rest.unwrap_or_else(|| panic!("no {name}: {}", page.body));
    value.split('"').next().unwrap().to_owned()
}
