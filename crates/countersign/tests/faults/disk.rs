//! A disk that becomes full.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::{Place, Ran};
use crate::running::{Around, Running};

/// How it becomes full.
pub enum Disk {
    /// A file system of four megabytes in a mount namespace of the server's own; how that is made.
    Small(Vec<&'static str>),
    /// The limit on the size of files, which needs no rights: the system refuses whatever is
    /// written to a file.
    Limited,
}

impl Disk {
    /// A small one. Needs a system on which this user may mount, which containers often are not:
    /// the same tests run with [`Disk::Limited`] everywhere.
    pub fn small() -> Option<Self> {
        let ways = [
            vec!["unshare", "--mount"],
            vec!["unshare", "--user", "--map-root-user", "--mount"],
        ];
        let works = |way: &Vec<&str>| {
            let mut tried = Command::new(way[0]);
            let tried = tried
                .args(&way[1..])
                .args(["mount", "-t", "tmpfs", "none", "/mnt"]);
            tried.output().is_ok_and(|output| output.status.success())
        };
        let way = ways.into_iter().find(works);
        if way.is_none() {
            // Past the test harness, which keeps what `eprintln!` says of tests that pass.
            let _ = writeln!(
                io::stderr(),
                "\n*** mounting is not allowed here: a full disk is played by a limit on the size of files only ***\n"
            );
        }
        way.map(Self::Small)
    }

    /// Starts a server whose data is on it.
    pub fn serve(&self, place: &Place) -> Running {
        let (around, data) = self.around("");
        around.serve(place, data)
    }

    /// Starts a server when it is full already.
    pub fn serve_when_full(&self, place: &Place) -> Ran {
        let (around, data) = self.around(match self {
            Self::Small(_) => "dd if=/dev/zero of=disk/ballast 2>/dev/null",
            Self::Limited => "ulimit -S -f 0",
        });
        around.run(place, &["serve", "--listen", "127.0.0.1:0", "--data", data])
    }

    /// Leaves no room for the server.
    pub fn fill(&self, place: &Place, server: &Running) {
        match self {
            Self::Small(_) => {
                let mut ballast = File::create(ballast(place, server)).unwrap();
                while ballast.write_all(&[0; 4096]).is_ok() {}
            }
            Self::Limited => limit_files(server, "0:"),
        }
    }

    /// Makes room again.
    pub fn free(&self, place: &Place, server: &Running) {
        match self {
            Self::Small(_) => fs::remove_file(ballast(place, server)).unwrap(),
            Self::Limited => limit_files(server, "unlimited:"),
        }
    }

    /// What an administrator's command on the server's data says.
    pub fn admin(&self, place: &Place, server: &Running, room: Room, args: &[&str]) -> Ran {
        let (mut around, data) = self.around(match (self, room) {
            (Self::Limited, Room::None) => "ulimit -S -f 0",
            _ => "",
        });
        if let Self::Small(way) = self {
            let id = format!("--target={}", server.id());
            let enter = way[1..].iter().filter(|flag| **flag != "--map-root-user");
            around = Around::default();
            around.launcher = vec!["nsenter".to_owned(), id];
            around.launcher.extend(enter.map(|flag| (*flag).to_owned()));
            if way.len() > 2 {
                around.launcher.push("--preserve-credentials".to_owned());
            }
        }
        around.run(place, &[&["admin", "--data", data], args].concat())
    }

    fn around(&self, then: &str) -> (Around, &'static str) {
        let (launcher, first, data) = match self {
            Self::Small(way) => (way.as_slice(), MOUNT, "disk"),
            // The signal would end the process; without it, the write fails.
            Self::Limited => (&[][..], "trap '' XFSZ", "data"),
        };
        let around = Around {
            launcher: launcher.iter().map(|word| (*word).to_owned()).collect(),
            prepare: format!("{first}\n{then}"),
        };
        (around, data)
    }
}

/// Whether there is room.
pub enum Room {
    None,
    Enough,
}

/// A file on the server's disk, as it is seen from outside of its namespace.
fn ballast(place: &Place, server: &Running) -> PathBuf {
    let root = format!("/proc/{}/root", server.id());
    Path::new(&root).join(place.text("disk/ballast").trim_start_matches('/'))
}

const MOUNT: &str = "mkdir -p disk && mount -t tmpfs -o size=4m,mode=0700 none disk && cp -p data/* disk || exit 99";

fn limit_files(server: &Running, limit: &str) {
    let mut prlimit = Command::new("prlimit");
    let id = server.id().to_string();
    let set = prlimit
        .args(["--pid", &id, &format!("--fsize={limit}")])
        .status();
    assert!(set.unwrap().success());
}
