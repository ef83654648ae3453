//! REL-35: no file descriptor is left.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::http::get;
use crate::place::Place;
use crate::running::Around;

const LIMIT: usize = 64;

#[test]
fn without_descriptors_open_connections_go_on_and_new_ones_wait() {
    let place = Place::with_project();
    let client = Client::new(&place, "client");
    let around = Around {
        prepare: format!("ulimit -S -n {LIMIT}"),
        ..Around::default()
    };
    let mut server = around.serve(&place, "data");
    client.token(&server.origin);
    let address = server.origin.strip_prefix("http://").unwrap().to_owned();
    let connect = || TcpStream::connect(&address).unwrap();
    let mut open = connect();
    is_alive(&mut open);

    let idle: Vec<_> = (0..2 * LIMIT).map(|_| connect()).collect();
    server.wait_for_log("cannot accept connections");

    for _ in 0..10 {
        is_alive(&mut open);
    }
    drop(idle);
    let began = Instant::now();
    assert_eq!(get(&server.origin, "/readyz").status, 200);
    client.token(&server.origin);
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(server.end(), Some(0));
}

/// Asks on a connection that stays open.
fn is_alive(open: &mut TcpStream) {
    open.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut answer = [0; 4096];
    let read = open.read(&mut answer).unwrap();
    assert!(
        answer[..read].starts_with(b"HTTP/1.1 200"),
        "{:?}",
        &answer[..read]
    );
}
