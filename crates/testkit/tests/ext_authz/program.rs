//! A proxy from Debian, started with a sample configuration of the documentation.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A running proxy; ended when dropped.
pub struct Program {
    pub address: SocketAddr,
    child: Child,
    folder: TempDir,
}

impl Program {
    /// nginx with `docs/gateway/nginx.conf`.
    pub fn nginx(countersign: SocketAddr, api: SocketAddr) -> Self {
        Self::start(countersign, api, |folder| {
            let mut nginx = command("nginx");
            nginx.arg("-p").arg(folder).arg("-c");
            nginx.arg(folder.join("nginx.conf"));
            nginx.args(["-g", "daemon off;"]);
            nginx
        })
    }

    /// HAProxy with `docs/gateway/haproxy.cfg`.
    pub fn haproxy(countersign: SocketAddr, api: SocketAddr) -> Self {
        Self::start(countersign, api, |folder| {
            let mut haproxy = command("haproxy");
            haproxy.args(["-db", "-f"]).arg(folder.join("haproxy.cfg"));
            haproxy
        })
    }

    fn start(
        countersign: SocketAddr,
        api: SocketAddr,
        program: impl FnOnce(&Path) -> Command,
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let address = free_address();
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/gateway");
        for file in ["nginx.conf", "haproxy.cfg", "countersign.lua"] {
            let text = fs::read_to_string(docs.join(file)).unwrap();
            let text = text
                .replace("127.0.0.1:8082", &address.to_string())
                .replace("127.0.0.1:8080", &countersign.to_string())
                .replace("127.0.0.1:9090", &api.to_string())
                .replace(
                    "docs/gateway/countersign.lua",
                    &path(&folder, "countersign.lua"),
                );
            fs::write(folder.path().join(file), text).unwrap();
        }
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut program = program(folder.path());
        program.stdin(Stdio::null());
        program.stdout(log.try_clone().unwrap()).stderr(log);
        let child = program
            .spawn()
            .expect("nginx and HAProxy come with `tests-support/packages clients`");
        let mut started = Self {
            address,
            child,
            folder,
        };
        started.wait();
        started
    }

    fn wait(&mut self) {
        let patience = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(self.address).is_err() {
            let ended = self.child.try_wait().unwrap();
            let gone = ended.is_some() || Instant::now() > patience;
            assert!(!gone, "it does not listen: {ended:?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // nginx has children: it must end them itself.
        let id = self.child.id().to_string();
        drop(Command::new("kill").arg(id).status());
        drop(self.child.wait());
    }
}

/// Debian keeps both where only the administrator's path looks.
fn command(name: &str) -> Command {
    let folders = ["/usr/sbin", "/usr/local/sbin", "/usr/bin"];
    let found = folders.map(|folder| PathBuf::from(folder).join(name));
    let found = found.into_iter().find(|path| path.exists());
    Command::new(found.unwrap_or_else(|| name.into()))
}

fn path(folder: &TempDir, file: &str) -> String {
    folder.path().join(file).to_str().unwrap().to_owned()
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}
