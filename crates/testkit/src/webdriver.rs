//! The W3C WebDriver protocol, as far as the tests of pages need it, to Debian's `chromedriver`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Once;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// How an element is called in answers (W3C WebDriver, "Elements").
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A driver with one browser, both of this value's own; they end with it.
pub(crate) struct Driver {
    session: String,
    http: reqwest::Client,
    /// Names the browser's processes: it is in their command lines, and nowhere else.
    profile: TempDir,
    _child: Child,
}

/// Why a command was not done: the driver's own word, such as `no such element`.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) error: String,
    pub(crate) message: String,
}

impl Driver {
    /// Starts a driver on a port of its choice, and a browser with these preferences.
    pub(crate) async fn start(preferences: Value) -> Self {
        let profile = TempDir::new().unwrap();
        let mut child = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver starts");
        let port = port(&mut child).await;
        let http = http();
        let driver = format!("http://127.0.0.1:{port}/session");
        let wanted = capabilities(profile.path(), &preferences);
        let made = send(http.post(&driver).json(&wanted)).await;
        let made = made.unwrap_or_else(|refusal| panic!("no browser: {refusal:?}"));
        let id = made["sessionId"].as_str().unwrap();
        Self {
            session: format!("{driver}/{id}"),
            http,
            profile,
            _child: child,
        }
    }

    /// Has something done.
    pub(crate) async fn post(&self, command: &str, body: Value) -> Result<Value, Refusal> {
        let url = format!("{}/{command}", self.session);
        send(self.http.post(url).json(&body)).await
    }

    /// Asks for something.
    pub(crate) async fn get(&self, command: &str) -> Result<Value, Refusal> {
        send(self.http.get(format!("{}/{command}", self.session))).await
    }

    /// A command of the Chrome DevTools Protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.post("goog/cdp/execute", body).await.unwrap()
    }

    /// Where files are saved; ends with the browser.
    pub(crate) fn downloads(&self) -> PathBuf {
        self.profile.path().join("downloads")
    }

    /// The element that an XPath finds first.
    pub(crate) async fn find(&self, xpath: &str) -> Result<String, Refusal> {
        let body = json!({"using": "xpath", "value": xpath});
        let found = self.post("element", body).await?;
        Ok(found[ELEMENT].as_str().unwrap().to_owned())
    }
}

impl Drop for Driver {
    /// The browser outlives a driver that is killed.
    fn drop(&mut self) {
        let marked = self.profile.path().as_os_str().as_encoded_bytes();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let is_ours = line.windows(marked.len()).any(|part| part == marked);
            if let (true, Some(id)) = (is_ours, entry.file_name().to_str()) {
                let killed = std::process::Command::new("kill").args(["-9", id]).status();
                drop(killed);
            }
        }
    }
}

fn http() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Nothing here speaks TLS, but the library wants to know with what it would.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    });
    let builder = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(60));
    builder.build().unwrap()
}

fn capabilities(profile: &Path, preferences: &Value) -> Value {
    let mut args = vec![
        "--headless=new".to_owned(),
        format!("--user-data-dir={}", profile.display()),
        // Nothing but this machine is found, whatever a page asks for.
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-gpu".to_owned(),
        "--no-first-run".to_owned(),
        // A telephone's take no room, and pictures need none.
        "--hide-scrollbars".to_owned(),
        "--window-size=1280,900".to_owned(),
    ];
    // The sandbox does not work for root, and not where namespaces are forbidden.
    if fs::metadata("/proc/self").is_ok_and(|own| is_root(&own)) {
        args.push("--no-sandbox".to_owned());
    }
    json!({"capabilities": {"alwaysMatch": {
        "browserName": "chrome",
        // Authorities of tests live as long as one test.
        "acceptInsecureCerts": true,
        "goog:chromeOptions": {"args": args, "prefs": preferences},
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
    }}})
}

fn is_root(file: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    file.uid() == 0
}

/// The port that the driver says it listens on.
async fn port(child: &mut Child) -> u16 {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            let port = line.strip_prefix("ChromeDriver was started successfully on port ");
            if let Some(port) = port {
                return port.trim_end_matches('.').parse().unwrap();
            }
        }
        panic!("chromedriver ended before it listened");
    };
    let port = tokio::time::timeout(Duration::from_secs(60), said).await;
    let port = port.expect("chromedriver listens within a minute");
    // It must be able to go on talking.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    port
}

async fn send(request: reqwest::RequestBuilder) -> Result<Value, Refusal> {
    let reply = request.send().await.expect("the driver answers");
    let is_done = reply.status().is_success();
    let mut body: Value = reply.json().await.expect("the driver speaks JSON");
    let value = body["value"].take();
    if is_done {
        return Ok(value);
    }
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    Err(Refusal {
        error: text("error"),
        message: text("message"),
    })
}
