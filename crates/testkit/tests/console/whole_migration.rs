//! One credential from Service Account (JWT) to OAuth Server-to-Server, by its administrator in a
//! browser, while two programs use it: from the first click until nothing is left to do, and no
//! call of theirs fails.

use std::time::Duration;

use countersign_testkit::app::operator;
use countersign_testkit::real_clients::{self, Grant};
use countersign_testkit::{Assertion, Browser, TestClient};

use crate::programs::{Installation, Program, Way, pass};
use crate::steps::{set_up, sign_in};

const CATALOGUE: &str = "catalogue-sync/2.1";
const PRICES: &str = "price-report/1.4";
/// How each program begins, and where both end: with the library that Adobe names instead.
const CATALOGUE_JWT: Way = Way("aio-lib-ims", Grant::Jwt);
const PRICES_JWT: Way = Way("jwt-auth", Grant::Jwt);
const OAUTH: Way = Way("aio-lib-ims", Grant::ClientCredentials);

const BANNER: &str = "This Service Account (JWT) credential is deprecated";
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test(flavor = "multi_thread")]
async fn two_programs_move_and_no_call_of_theirs_fails() {
    if real_clients::installed().is_empty() {
        return;
    }
    let place = Installation::start().await;
    let Some(browser) = Browser::start(&place.site.origin).await else {
        return;
    };
    set_up(&browser, &place.site).await;
    browser.arrive("Projects").await;
    let client = place.credential().await;
    let start = |name, way| Program::start(&place, &client, name, way);
    let (catalogue, prices) =
        tokio::join!(start(CATALOGUE, CATALOGUE_JWT), start(PRICES, PRICES_JWT));
    let walk = Walk {
        page: page_of(&place, &client).await,
        browser,
        place,
        client,
        catalogue,
        prices,
    };

    walk.starts().await;
    walk.one_program_moves().await;
    walk.a_brown_out_finds_the_other().await;
    walk.the_review_says_safe().await;
    walk.the_half_is_disabled_and_restored().await;
    walk.the_half_is_disabled_for_good().await;

    let calls = [walk.catalogue.calls(), walk.prices.calls()];
    assert!(calls.iter().all(|calls| *calls > 50), "{calls:?}");
    walk.browser.must_be_at_peace().await;
}

struct Walk {
    browser: Browser,
    place: Installation,
    client: TestClient,
    /// The page of the credential.
    page: String,
    /// Moves first.
    catalogue: Program,
    /// Moves when it is found.
    prices: Program,
}

impl Walk {
    /// Both grants give tokens that are the same to an API.
    async fn starts(&self) {
        let Self { browser, .. } = self;
        self.open("").await;
        browser.see(BANNER).await;
        browser.screenshot("walk-before").await;
        let refused = self.place.fetch(&self.client, OAUTH).await;
        assert!(!refused.ok, "there is no OAuth half yet: {refused:?}");
        browser.press("Add new credential").await;
        browser.see("both halves give tokens now").await;
        browser.screenshot("walk-started").await;
    }

    async fn one_program_moves(&self) {
        let Self { browser, .. } = self;
        self.pass(MINUTE).await;
        let before = self.catalogue.seen().await;
        self.catalogue.moves(&self.place, &self.client, OAUTH).await;
        let after = self.catalogue.seen().await;
        assert_eq!(before, after, "technical account and scopes");
        assert_eq!(after[0], [self.client.account_id.as_str()]);
        assert_eq!(self.prices.seen().await, after, "by the other grant");

        self.pass(MINUTE).await;
        self.open("/migration").await;
        browser.see("Still used: programs would fail").await;
        for (caller, standing) in [
            (CATALOGUE, "may be pausing"),
            ("aio-cli-ims", "may be pausing"),
            (PRICES, "still calls"),
            ("node-fetch/1.0", "still calls"),
        ] {
            assert_eq!(self.standing(caller).await, standing, "{caller}");
        }
        browser.screenshot("walk-still-used").await;
        browser.follow("Disable the JWT half").await;
        browser.arrive("Disable the JWT half").await;
        browser.see("The review does not call it safe").await;
        browser.see(PRICES).await;
        browser.screenshot("walk-not-safe").await;
        browser.follow("Keep").await;
    }

    async fn a_brown_out_finds_the_other(&self) {
        let Self { browser, .. } = self;
        self.open("/migration").await;
        browser.follow("Plan a brown-out").await;
        browser.arrive("Plan a brown-out").await;
        browser.fill("Name", "Who is left").await;
        browser.screenshot("walk-brown-out-plan").await;
        browser.press("Plan it").await;
        browser.arrive("The brown-out is planned").await;
        browser.follow("Go to the brown-out").await;
        browser.arrive("Who is left").await;
        browser.see("It refuses exchanges until").await;
        let report = browser.path().await;

        self.pass(MINUTE).await;
        self.refused("half of this credential is browned out until")
            .await;
        let moved = self.place.fetch(&self.client, OAUTH).await;
        assert!(moved.ok, "who has moved does not notice: {moved:?}");
        self.prices.seen().await;
        self.place.site.authority.flush().await;
        browser.goto(&report).await;
        let noticed = browser.text_of("//table[@aria-label='Who noticed']").await;
        assert!(
            noticed.contains("node-fetch/1.0 at 127.0.0.0/24"),
            "{noticed}"
        );
        assert!(!noticed.contains("aio-cli-ims"), "{noticed}");
        browser.screenshot("walk-brown-out-found").await;

        self.prices.moves(&self.place, &self.client, OAUTH).await;
        self.pass(10 * MINUTE).await;
        browser.goto(&report).await;
        browser.see("It refuses nobody since").await;
    }

    /// A caller that is seen with the new half is believed after a day. That the second program
    /// changed its library, and by that the name of whoever fetches its tokens, nobody can know: the
    /// old name is waited for.
    async fn the_review_says_safe(&self) {
        let Self { browser, .. } = self;
        self.pass(DAY + MINUTE).await;
        self.open("/migration").await;
        browser.see("Wait: somebody may only be pausing").await;
        for (caller, standing) in [
            (CATALOGUE, "moved"),
            ("aio-cli-ims", "moved"),
            (PRICES, "moved"),
            ("node-fetch/1.0", "may be pausing"),
        ] {
            assert_eq!(self.standing(caller).await, standing, "{caller}");
        }
        browser.screenshot("walk-wait").await;
        self.pass(120 * DAY).await;
        self.open("/migration").await;
        browser.see("Safe: nobody is expected").await;
        browser.screenshot("walk-safe").await;
    }

    /// Nothing has to be typed where the review says safe. Somebody forgot a script.
    async fn the_half_is_disabled_and_restored(&self) {
        let Self { browser, .. } = self;
        browser.follow("Disable the JWT half").await;
        browser.arrive("Disable the JWT half").await;
        browser.press("Disable the JWT half").await;
        browser.see("The JWT half is disabled").await;
        self.refused(&format!(
            "The Service Account (JWT) half of this credential was disabled on {}. Request tokens \
             at /ims/token/v3 with client_credentials instead.",
            self.place.site.now().date()
        ))
        .await;
        self.open("/migration").await;
        browser.see("Tried once in vain").await;
        browser.screenshot("walk-disabled").await;

        browser.press("Restore").await;
        browser.see("works again").await;
        // At once; how long it takes on other nodes is measured elsewhere.
        let assertion = Assertion::of(&self.client, self.place.site.now()).sign();
        let caller = self.place.site.anonymous();
        let exchanged = caller.exchange(&self.client, &assertion).await;
        assert_eq!(exchanged.status, 200);
        self.place.token(&self.client, PRICES_JWT).await;
    }

    /// After the attempts the review does not say safe any more, so somebody answers for it.
    async fn the_half_is_disabled_for_good(&self) {
        let Self { browser, place, .. } = self;
        browser.follow("Disable the JWT half").await;
        browser.arrive("Disable the JWT half").await;
        let project = place.site.despite(&self.client).await.project;
        browser.fill("Name of the project", &project).await;
        browser.fill("Reason", "that was us, trying it out").await;
        browser.press("Disable the JWT half").await;
        browser.see("The JWT half is disabled").await;
        self.pass(7 * DAY).await;
        place.site.authority.work_as_leader().await.unwrap();

        self.open("").await;
        browser.see("Completed").await;
        browser.see("there is nothing more to do").await;
        browser.screenshot("walk-completed").await;
        let said = browser.text().await;
        for gone in [BANNER, "Restore", "Public keys"] {
            assert!(!said.contains(gone), "{gone}: {said}");
        }
        self.refused("This credential was migrated to OAuth Server-to-Server on")
            .await;
        assert_eq!(self.catalogue.seen().await, self.prices.seen().await);
    }

    async fn pass(&self, span: Duration) {
        let programs = [&self.catalogue, &self.prices];
        pass(span, &self.place, &self.client, programs).await;
    }

    /// Opens a page of the credential that knows all that was used so far, signed in again where
    /// too much time has passed.
    async fn open(&self, path: &str) {
        self.place.site.authority.flush().await;
        let path = format!("{}{path}", self.page);
        self.browser.goto(&path).await;
        if self.browser.heading().await == "Sign in" {
            let password = countersign_testkit::person::PASSWORD;
            sign_in(&self.browser, "ada@example.com", password).await;
            self.browser.see("Sign out").await;
            self.browser.goto(&path).await;
        }
    }

    /// What the review says of a caller of the JWT half.
    async fn standing(&self, caller: &str) -> String {
        let row = format!("//tr[td[@data-label='Caller' and contains(., '{caller}')]]");
        let badge = format!("{row}/td[@data-label='Now']/*[1]");
        self.browser.text_of(&badge).await
    }

    /// What the users of the library read when it gets no token.
    async fn refused(&self, sentence: &str) {
        let outcome = self.place.fetch(&self.client, PRICES_JWT).await;
        assert_eq!(outcome.error_code.as_deref(), Some("invalid_client"));
        let told = outcome.error_text.unwrap_or_default();
        assert!(told.contains(sentence), "{told}");
    }
}

async fn page_of(place: &Installation, client: &TestClient) -> String {
    let by = operator();
    let found = place.site.authority.find_organization(&client.org_id, &by);
    let number = found.await.unwrap().numeric_id;
    let TestClient { project_id, id, .. } = client;
    format!("/console/projects/{number}/{project_id}/credentials/{id}")
}
