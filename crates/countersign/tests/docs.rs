//! The documentation says what is there: its commands run, its links lead somewhere, and its
//! settings are all settings.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_countersign");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the repository")
}

fn pages() -> Vec<(PathBuf, String)> {
    let root = root();
    let docs = fs::read_dir(root.join("docs"))
        .expect("docs")
        .map(|entry| entry.expect("an entry").path());
    let top = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ]
    .map(|name| root.join(name));
    docs.chain(top)
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| (path.clone(), fs::read_to_string(path).expect("a page")))
        .collect()
}

#[test]
fn links_lead_somewhere() {
    for (page, text) in pages() {
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if link.starts_with("http") || link.starts_with('#') {
                continue;
            }
            let target = link.split('#').next().unwrap_or(link);
            let path = page.parent().expect("a folder").join(target);
            assert!(
                path.exists(),
                "{} links to {link}, which is not there",
                page.display()
            );
        }
    }
}

#[test]
fn every_setting_is_documented_and_every_documented_setting_exists() {
    let folder = tempfile::tempdir().expect("a folder");
    let shown = Command::new(BINARY)
        .args(["admin", "config", "show", "--data"])
        .arg(folder.path())
        .envs(PROVIDER.map(|(key, value)| (format!("COUNTERSIGN__CONSOLE__OIDC__X__{key}"), value)))
        .output()
        .expect("runs");
    let shown: toml::Table =
        toml::from_str(&String::from_utf8(shown.stdout).expect("UTF-8")).expect("TOML");
    let mut settings = BTreeSet::from(
        [
            "catalogue",
            "from",
            "ims",
            "smtp.ca_file",
            "smtp.host",
            "smtp.password_file",
            "smtp.port",
            "smtp.security",
            "smtp.user",
            "tls.certificate",
            "tls.key",
            "tls.reload_check_seconds",
        ]
        .map(str::to_owned),
    );
    let provider = shown["console"]["oidc"]["x"].as_table().expect("a table");
    assert_eq!(provider.len(), PROVIDER.len(), "{provider}");
    settings.extend(provider.keys().cloned());
    for (key, value) in shown.iter().filter(|(key, _)| *key != "console") {
        let Some(section) = value.as_table() else {
            settings.insert(key.clone());
            continue;
        };
        settings.extend(
            section
                .iter()
                .flat_map(|(key, value)| match value.as_table() {
                    Some(inner) => inner.keys().cloned().collect(),
                    None => vec![key.clone()],
                }),
        );
    }
    let page = fs::read_to_string(root().join("docs/configuration.md")).expect("the page");
    let rows = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('|').next());
    let documented: BTreeSet<String> = rows
        .flat_map(|cell| cell.split('`').map(str::trim))
        .filter(|part| !part.is_empty() && *part != ",")
        .map(str::to_owned)
        .collect();
    assert_eq!(documented, settings);
}

/// Every key of a provider, and some value.
const PROVIDER: [(&str, &str); 8] = [
    ("NAME", "x"),
    ("ISSUER", "https://x.example"),
    ("CLIENT_ID", "x"),
    ("CLIENT_SECRET", "x"),
    ("CLIENT_SECRET_FILE", "x"),
    ("SCOPES", "[\"openid\"]"),
    ("MAIL_DOMAINS", "[]"),
    ("CA_FILE", "x"),
];

/// Runs the shell blocks of the README and of the gateway's page in order, with the server that the
/// first command starts.
#[test]
fn the_readme_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let gateway = fs::read_to_string(root().join("docs/gateway.md")).expect("the page");
    let blocks = shell_blocks(&readme);
    assert_eq!(
        blocks[0].trim(),
        "cargo run --release --locked -- serve --sample-api",
        "the first command starts the server"
    );
    assert_eq!(blocks[1].trim(), "./test");
    let [address, passes] = free_addresses();
    let _server = Server::start(folder.path(), &address, &passes);
    let script = blocks[2..].concat() + &shell_blocks(&gateway).concat();
    let script = script
        .replace("127.0.0.1:8081", &passes)
        .replace("./target/release/countersign", BINARY)
        .replace(
            "alias countersign=",
            "countersign() { \"$COUNTERSIGN_BINARY\" \"$@\"; }; : ",
        );
    let ran = Command::new("bash")
        .args(["-eu", "-c", &script])
        .current_dir(folder.path())
        .env("COUNTERSIGN_BINARY", BINARY)
        .env("COUNTERSIGN__SERVER__ADDRESS", &address)
        .env("COUNTERSIGN__GATEWAY__ADDRESS", &passes)
        .output()
        .expect("bash");
    let (out, err) = (
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr),
    );
    assert!(ran.status.success(), "{out}\n{err}");
    assert!(
        out.contains(r#""token_type":"bearer","expires_in":86399}"#),
        "client credentials: {out}\n{err}"
    );
    assert!(
        out.contains(r#"{"token_type":"bearer","access_token":""#),
        "the exchange: {out}\n{err}"
    );
    let messages: Vec<&str> = out
        .lines()
        .filter_map(|line| line.split(r#""message":""#).nth(1)?.split('"').next())
        .collect();
    let promised = script.lines().filter_map(|line| {
        let (command, comment) = line.split_once("# ")?;
        command.starts_with("curl \"$API\"").then(|| comment.trim())
    });
    let mut promised: Vec<&str> = promised.collect();
    assert_eq!(promised.pop(), Some("the programs"));
    promised.push("Api Key is required");
    assert_eq!(messages, promised, "{out}\n{err}");
    assert!(out.contains(r#""_embedded":{"programs":["#), "{out}\n{err}");
}

/// Blocks that are there to be run, and not only to be read.
fn shell_blocks(page: &str) -> Vec<&str> {
    page.split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect()
}

/// Both are taken before either is given back.
fn free_addresses() -> [String; 2] {
    let free = || TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = |socket: TcpListener| socket.local_addr().expect("an address").to_string();
    [free(), free()].map(address)
}

struct Server(Child);

impl Server {
    fn start(folder: &Path, address: &str, gateway: &str) -> Self {
        let child = Command::new(BINARY)
            .args(["serve", "--sample-api", "--listen", address])
            .env("COUNTERSIGN__GATEWAY__ADDRESS", gateway)
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let server = Self(child);
        let began = Instant::now();
        while !is_ready(address) {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "the server is not ready"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn is_ready(address: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return false;
    };
    let mut answer = String::new();
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}
