//! A real browser, used as people use it: by the labels of fields and the texts of buttons.
//!
//! Debian's Chromium and driver; `./test` installs them. Screenshots go into the folder that
//! `COUNTERSIGN_TEST_SCREENSHOTS` names, if it does.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::webdriver::Driver;

/// Names the folder for screenshots.
const SCREENSHOTS: &str = "COUNTERSIGN_TEST_SCREENSHOTS";
/// Names the file of axe-core, which `./test` installs.
const AXE: &str = "COUNTERSIGN_TEST_AXE";
/// Widths of screenshots: a screen on a desk, and a telephone.
const WIDTHS: [u32; 2] = [1280, 390];

/// How often a page is looked at before it counts as another one than was expected.
const PATIENCE: u32 = 100;
const MOMENT: Duration = Duration::from_millis(50);

/// Most stops of the Tab key on one page.
const MOST_STOPS: usize = 150;

/// Keys that are no letters (W3C WebDriver, "Keyboard actions").
pub mod keys {
    /// The tabulator.
    pub const TAB: &str = "\u{e004}";
    /// Enter.
    pub const ENTER: &str = "\u{e007}";
    /// The space bar.
    pub const SPACE: &str = " ";
    /// The arrow that points down.
    pub const DOWN: &str = "\u{e015}";
}

/// Whether one sees where the keyboard is: in the window, and with a ring around it or around the
/// field that it is in. The last stop in a date is the browser's own button, which has a ring of
/// the browser's, and the field has none then.
const FOCUS_IS_SHOWN: &str = "const at = document.activeElement; \
    if (at === document.body) return true; \
    const box = at.getBoundingClientRect(); \
    const is_in = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth; \
    const has_ring = (element, part) => { const style = getComputedStyle(element, part); \
      return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1 \
        || style.boxShadow !== 'none' }; \
    const is_browsers = at.type === 'date' && !at.matches(':focus-visible'); \
    return is_in && (is_browsers || has_ring(at) || has_ring(at, '::after') \
      || has_ring(at.parentElement) || has_ring(at.parentElement, '::after'))";

/// A browser at an origin.
pub struct Browser {
    driver: Driver,
    origin: String,
    has_scripts: bool,
}

impl Browser {
    /// A browser that has been nowhere. Nothing where there is none; that is an error in
    /// continuous integration.
    pub async fn start(origin: &str) -> Option<Self> {
        Self::with(origin, true).await
    }

    /// The same with JavaScript switched off.
    pub async fn without_javascript(origin: &str) -> Option<Self> {
        Self::with(origin, false).await
    }

    async fn with(origin: &str, has_scripts: bool) -> Option<Self> {
        let there = ["chromedriver", "chromium"].map(is_there);
        if there != [true; 2] {
            say_that_it_is_missing();
            return None;
        }
        let preferences = match has_scripts {
            true => json!({}),
            false => json!({"profile.managed_default_content_settings.javascript": 2}),
        };
        Some(Self {
            driver: Driver::start(preferences).await,
            origin: origin.to_owned(),
            has_scripts,
        })
    }

    /// Opens a path of the origin, or a whole address.
    pub async fn goto(&self, path: &str) {
        let url = match path.starts_with("http") {
            true => path.to_owned(),
            false => format!("{}{path}", self.origin),
        };
        self.driver.post("url", json!({"url": url})).await.unwrap();
    }

    /// The path that the browser is at, with the query.
    pub async fn path(&self) -> String {
        let url = self.driver.get("url").await.unwrap();
        let url = url.as_str().unwrap();
        url.strip_prefix(&self.origin).unwrap_or(url).to_owned()
    }

    /// What can be read on the page.
    pub async fn text(&self) -> String {
        self.text_of("//body").await
    }

    /// What stands in the first element that an XPath finds.
    pub async fn text_of(&self, xpath: &str) -> String {
        for _ in 0..PATIENCE {
            let found = self.element(xpath).await;
            // The next page may have come in between.
            if let Ok(text) = self.driver.get(&format!("element/{found}/text")).await {
                return text.as_str().unwrap().to_owned();
            }
        }
        panic!("{xpath} does not stand still")
    }

    /// An attribute of the first element that an XPath finds, as it stands in the page.
    pub async fn attribute(&self, xpath: &str, name: &str) -> String {
        let found = self.element(xpath).await;
        let value = format!("element/{found}/attribute/{name}");
        let value = self.driver.get(&value).await.unwrap();
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Opens or closes what is behind a summary that begins so.
    pub async fn unfold(&self, text: &str) {
        let text = quoted(text);
        self.click(&format!(
            "//summary[starts-with(normalize-space(.), {text})]"
        ))
        .await;
    }

    /// The heading of the page.
    pub async fn heading(&self) -> String {
        self.text_of("//h1").await
    }

    /// Waits until the page of that heading is there.
    pub async fn arrive(&self, heading: &str) {
        for _ in 0..PATIENCE {
            if self.heading().await == heading {
                return;
            }
            tokio::time::sleep(MOMENT).await;
        }
        panic!("not {heading:?} but this:\n{}", self.text().await)
    }

    /// Waits until that can be read on the page.
    pub async fn see(&self, text: &str) {
        for _ in 0..PATIENCE {
            if self.text().await.contains(text) {
                return;
            }
            tokio::time::sleep(MOMENT).await;
        }
        panic!("not {text:?} but this:\n{}", self.text().await)
    }

    /// Whether an XPath finds anything.
    pub async fn has(&self, xpath: &str) -> bool {
        self.driver.find(xpath).await.is_ok()
    }

    /// Types into the field of that label, instead of what is in it.
    pub async fn fill(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        let clear = format!("element/{field}/clear");
        // A file is chosen, not typed over.
        drop(self.driver.post(&clear, json!({})).await);
        let value = format!("element/{field}/value");
        let typed = self.driver.post(&value, json!({"text": text})).await;
        typed.unwrap();
    }

    /// What stands in the field of that label.
    pub async fn value(&self, label: &str) -> String {
        let field = self.field(label).await;
        let value = format!("element/{field}/property/value");
        let value = self.driver.get(&value).await;
        value.unwrap().as_str().unwrap().to_owned()
    }

    /// Takes a choice of the list of that label.
    pub async fn choose(&self, label: &str, choice: &str) {
        let label = quoted(label);
        let choice = quoted(choice);
        self.click(&format!(
            "//select[@id=//label[starts-with(normalize-space(.), {label})]/@for]/option[contains(normalize-space(.), {choice})]"
        ))
        .await;
    }

    /// Ticks a box, or takes a choice, by the text beside it.
    pub async fn tick(&self, text: &str) {
        let text = quoted(text);
        self.click(&format!(
            "//label[contains(normalize-space(.), {text})]/input"
        ))
        .await;
    }

    /// Presses the button whose text begins so.
    pub async fn press(&self, text: &str) {
        let text = quoted(text);
        self.click(&format!(
            "//button[starts-with(normalize-space(.), {text})]"
        ))
        .await;
    }

    /// Follows the link whose text begins so.
    pub async fn follow(&self, text: &str) {
        let text = quoted(text);
        self.click(&format!("//a[starts-with(normalize-space(.), {text})]"))
            .await;
    }

    /// Follows the link whose text begins so, to a file; where that was saved.
    pub async fn download(&self, text: &str) -> PathBuf {
        let folder = self.driver.downloads();
        let allow = json!({"behavior": "allow", "downloadPath": folder});
        self.driver
            .devtools("Browser.setDownloadBehavior", allow)
            .await;
        self.follow(text).await;
        for _ in 0..PATIENCE {
            let saved = fs::read_dir(&folder).into_iter().flatten();
            let mut saved = saved.map(|entry| entry.unwrap().path());
            // It has another name for as long as it is written.
            if let Some(saved) =
                saved.find(|path| path.extension().is_some_and(|end| end != "crdownload"))
            {
                return saved;
            }
            tokio::time::sleep(MOMENT).await;
        }
        panic!("{text:?} gives no file: {}", self.text().await)
    }

    /// Goes back, as the button of the browser does.
    pub async fn back(&self) {
        self.driver.post("back", json!({})).await.unwrap();
    }

    /// Presses a key where the keyboard is: one of [`keys`], or a letter.
    pub async fn key(&self, key: &str) {
        self.press_keys(std::iter::once(key)).await;
    }

    /// Types a text where the keyboard is.
    pub async fn type_keys(&self, text: &str) {
        let letters: Vec<_> = text.chars().map(String::from).collect();
        let keys = letters.iter().map(|letter| match letter.as_str() {
            "\n" => keys::ENTER,
            letter => letter,
        });
        self.press_keys(keys).await;
    }

    async fn press_keys(&self, all: impl Iterator<Item = &str>) {
        let steps = all
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key})));
        let steps: Vec<_> = steps.collect();
        let actions = json!({"actions": [{"type": "key", "id": "keyboard", "actions": steps}]});
        self.driver.post("actions", actions).await.unwrap();
    }

    /// Goes on with the Tab key to what is called so: a link, a button, or the field of that label.
    /// Whatever cannot be reached so cannot be used without a mouse; whatever does not show on its
    /// way where the keyboard is, cannot be used either.
    pub async fn tab_to(&self, name: &str) {
        let mut passed = Vec::new();
        for _ in 0..MOST_STOPS {
            self.key(keys::TAB).await;
            let at = self.focused().await;
            let is_shown = self.run(FOCUS_IS_SHOWN).await;
            assert_eq!(
                is_shown,
                true,
                "no ring around {at:?} on {}",
                self.path().await
            );
            if at.starts_with(name) {
                return;
            }
            passed.push(at);
        }
        panic!("no {name:?} by the keyboard, only {passed:?}")
    }

    /// The text, the label or the name of what the keyboard is at; empty where that is nothing.
    pub async fn focused(&self) -> String {
        let script = "const at = document.activeElement; \
            if (at === document.body) return ''; \
            return (at.labels?.[0]?.textContent ?? (at.textContent || at.name || at.tagName)).trim();";
        self.run(script).await.as_str().unwrap().to_owned()
    }

    /// Runs the body of a function in the page.
    pub async fn run(&self, script: &str) -> Value {
        let body = json!({"script": script, "args": []});
        self.driver.post("execute/sync", body).await.unwrap()
    }

    /// Fails where the page is wider than the window: on a screen, and on a telephone.
    pub async fn must_fit(&self, name: &str) {
        for width in WIDTHS {
            self.look(width, "light").await;
            self.must_fit_into(width, name).await;
        }
        self.look(WIDTHS[0], "light").await;
    }

    async fn must_fit_into(&self, width: u32, name: &str) {
        let wide = self
            .run("return document.documentElement.scrollWidth")
            .await;
        assert!(
            wide.as_u64() <= Some(u64::from(width)),
            "{name}: {wide} pixels at {width}"
        );
    }

    /// Takes pictures of the page: as wide as a screen and as a telephone, light and dark. Fails
    /// where the page is wider than the window. Does nothing more without a folder for them.
    pub async fn screenshot(&self, name: &str) {
        if self.has_scripts {
            self.must_fit(name).await;
        }
        let Some(folder) = std::env::var_os(SCREENSHOTS).map(PathBuf::from) else {
            return;
        };
        fs::create_dir_all(&folder).unwrap();
        for width in WIDTHS {
            for scheme in ["light", "dark"] {
                self.look(width, scheme).await;
                let options = json!({"captureBeyondViewport": true, "format": "png"});
                let taken = self
                    .driver
                    .devtools("Page.captureScreenshot", options)
                    .await;
                let picture = STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
                let file = folder.join(format!("{name}-{width}-{scheme}.png"));
                fs::write(file, picture).unwrap();
            }
        }
        self.look(WIDTHS[0], "light").await;
    }

    /// What axe-core finds wrong with the page and calls serious or critical, in both colours and
    /// both widths: light on a screen, dark on a telephone. Nothing where axe-core is not
    /// installed, which is said, and not without scripts: it is one.
    pub async fn axe(&self) {
        for (width, scheme) in WIDTHS.into_iter().zip(["light", "dark"]) {
            self.axe_at(width, scheme).await;
        }
        self.look(WIDTHS[0], "light").await;
    }

    async fn axe_at(&self, width: u32, scheme: &str) {
        if !self.has_scripts {
            return;
        }
        let Some(source) = axe_source() else { return };
        self.look(width, scheme).await;
        if self.run("return typeof axe").await == "undefined" {
            self.run(&source).await;
        }
        let found = self.run_axe().await;
        assert!(
            found.is_empty(),
            "axe at {width} pixels, {scheme}, {}:\n{}",
            self.path().await,
            found.join("\n")
        );
    }

    /// Addresses that the browser asked for since the last call.
    pub async fn requests(&self) -> Vec<String> {
        let entries = self.log("performance").await;
        let urls = entries.iter().filter_map(|entry| {
            let message: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let is_request = message["message"]["method"] == "Network.requestWillBeSent";
            let url = message["message"]["params"]["request"]["url"].as_str()?;
            is_request.then(|| url.to_owned())
        });
        urls.collect()
    }

    /// Fails if the browser asked any other origin for anything, or complained: of a script, a
    /// style or an address that the page's own policy forbids, or of an error in a script. A page
    /// that was refused on purpose is no complaint.
    pub async fn must_be_at_peace(&self) {
        let foreign: Vec<_> = self
            .requests()
            .await
            .into_iter()
            .filter(|url| !url.starts_with(&self.origin) && !is_browsers_own(url))
            .collect();
        assert!(foreign.is_empty(), "asked elsewhere: {foreign:?}");
        let complaints = self.log("browser").await;
        let complaints = complaints
            .iter()
            .filter_map(|entry| entry["message"].as_str());
        let complaints: Vec<_> = complaints
            .filter(|text| !text.contains("the server responded with a status of 4"))
            .collect();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }

    async fn run_axe(&self) -> Vec<String> {
        let script = "const done = arguments[arguments.length - 1]; \
            axe.run(document, {resultTypes: ['violations']}).then(result => done(result.violations \
            .filter(one => ['serious', 'critical'].includes(one.impact)) \
            .map(one => one.id + ': ' + one.nodes.map(node => node.target.join(' ') + ' (' \
            + node.any.concat(node.all, node.none).map(check => check.message).join('; ') + ')') \
            .join(' | '))));";
        let body = json!({"script": script, "args": []});
        let found = self.driver.post("execute/async", body).await.unwrap();
        let found = found.as_array().unwrap();
        let text = |one: &Value| one.as_str().unwrap().to_owned();
        found.iter().map(text).collect()
    }

    async fn look(&self, width: u32, scheme: &str) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        let driver = &self.driver;
        let size = driver.devtools("Emulation.setDeviceMetricsOverride", size);
        size.await;
        let media = json!({"features": features});
        driver.devtools("Emulation.setEmulatedMedia", media).await;
    }

    async fn log(&self, kind: &str) -> Vec<Value> {
        let entries = self.driver.post("se/log", json!({"type": kind})).await;
        entries.unwrap().as_array().unwrap().clone()
    }

    async fn field(&self, label: &str) -> String {
        let label = quoted(label);
        let xpath = format!("//*[@id=//label[starts-with(normalize-space(.), {label})]/@for]");
        self.element(&xpath).await
    }

    async fn click(&self, xpath: &str) {
        let found = self.element(xpath).await;
        let click = format!("element/{found}/click");
        let clicked = self.driver.post(&click, json!({})).await;
        clicked.unwrap_or_else(|refusal| panic!("{xpath}: {refusal:?}"));
    }

    /// Waits a moment for it: a click comes back before the next page is there.
    async fn element(&self, xpath: &str) -> String {
        for _ in 0..PATIENCE {
            if let Ok(found) = self.driver.find(xpath).await {
                return found;
            }
            tokio::time::sleep(MOMENT).await;
        }
        let found = self.driver.find(xpath).await;
        match found {
            Ok(found) => found,
            Err(refusal) => {
                let body = self.driver.get("source").await.unwrap();
                panic!(
                    "nothing on {} is {xpath}: {}, {}\n{}",
                    self.path().await,
                    refusal.error,
                    refusal.message,
                    body.as_str().unwrap_or_default()
                )
            }
        }
    }
}

/// What a browser shows before it was anywhere.
fn is_browsers_own(url: &str) -> bool {
    ["about:", "chrome:", "chrome-untrusted:", "data:"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
}

/// A text as XPath writes it, which has no escapes.
fn quoted(text: &str) -> String {
    match text.contains('"') {
        false => format!("\"{text}\""),
        true => {
            let parts: Vec<_> = text.split('"').map(|part| format!("\"{part}\"")).collect();
            format!("concat({})", parts.join(", '\"', "))
        }
    }
}

fn is_there(program: &str) -> bool {
    let shown = Command::new(program).arg("--version").output();
    shown.is_ok_and(|shown| shown.status.success())
}

fn axe_source() -> Option<String> {
    let Some(file) = std::env::var_os(AXE) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "{AXE} does not name axe-core: `./test` installs it"
        );
        eprintln!("pages are not checked by axe-core: {AXE} does not name it, `./test` does");
        return None;
    };
    Some(fs::read_to_string(file).expect("axe-core is there"))
}

fn say_that_it_is_missing() {
    assert!(
        std::env::var_os("CI").is_none(),
        "there is no chromium with its driver: `./test` installs them"
    );
    eprintln!("SKIPPED: there is no chromium with its driver; `./test` installs them");
}
