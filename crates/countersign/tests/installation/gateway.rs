//! The gateway of the real binary.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use crate::place::{Place, Server, countersign, run};

#[test]
fn a_call_in_flight_is_answered_although_the_server_is_told_to_end() {
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = published(&upstream);
    let (mut server, address) = serve(&place);
    let headers = member(&place, &server);
    let (asked, was_asked) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        let (mut stream, _) = upstream.accept().unwrap();
        let mut head = [0; 4096];
        let read = stream.read(&mut head).unwrap();
        asked
            .send(String::from_utf8_lossy(&head[..read]).into_owned())
            .unwrap();
        may_go.recv().unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlate\n")
            .unwrap();
    });
    let caller = std::thread::spawn(move || get(&address, &headers));
    let forwarded = was_asked.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(
        forwarded.contains("x-ims-client-id: ") && !forwarded.contains("Bearer"),
        "{forwarded}"
    );

    server.signal("-TERM");
    server.wait_for("requests in flight may finish");
    go.send(()).unwrap();

    let answer = caller.join().unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("late\n"),
        "{answer}"
    );
    let (status, said) = server.end();
    assert_eq!(status.code(), Some(0));
    assert!(said.contains("everything in flight was answered"), "{said}");
    assert!(said.contains("gateway.service=\"mine\""), "{said}");
}

#[test]
fn a_refusal_is_explained_by_the_id_that_the_caller_saw() {
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = published(&upstream);
    let (_server, address) = serve(&place);
    let answer = get(&address, "");
    let id = answer
        .lines()
        .find_map(|line| line.strip_prefix("x-request-id: "))
        .unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 403 ") && id.len() == 32,
        "{answer}"
    );
    let explained = place.json(&["explain", id]);
    assert_eq!(
        explained["cause"],
        "the call has no x-api-key: send the client id in it"
    );
}

#[test]
fn a_gateway_that_cannot_work_is_refused_before_a_port_is_opened() {
    let place = Place::empty();
    let service = "[[gateway.services]]\nname = \"mine\"\nservice = \"CloudManagerSDK\"\nupstreams = [\"https://localhost:1\"]\n";
    for (config, said) in [
        (
            "[gateway]\nadress = \"127.0.0.1:0\"\n".to_owned(),
            "c.toml:2:1: unknown field `adress`",
        ),
        (
            "[gateway]\nmax_connections = \"many\"\n".to_owned(),
            "c.toml:2:19: invalid type",
        ),
        (
            "[gateway]\naddress = \"0.0.0.0:1\"\n".to_owned(),
            "`gateway`: plain HTTP on 0.0.0.0:1",
        ),
        (
            format!("{service}upstream_ca_file = \"none.pem\"\n"),
            "published service `mine`: `upstream_ca_file`: cannot read certificates from `none.pem`",
        ),
        (
            format!("{service}{service}"),
            "there is another published service `mine`",
        ),
    ] {
        std::fs::write(place.path("c.toml"), &config).unwrap();
        let ran = run(
            &mut place.command(&["serve", "--check", "--config", "c.toml"]),
            "",
        );
        assert_eq!(ran.exit, 2, "{config}");
        assert!(ran.stderr.contains(said), "{config}\n{}", ran.stderr);
    }
}

/// A place whose configuration publishes `upstream`.
fn published(upstream: &TcpListener) -> Place {
    let place = Place::with_project();
    let origin = upstream.local_addr().unwrap();
    let config = format!(
        "[gateway]\naddress = \"127.0.0.1:0\"\n[[gateway.services]]\nname = \"mine\"\n\
         service = \"CloudManagerSDK\"\nprofile_required = false\nupstreams = [\"http://{origin}\"]\n"
    );
    std::fs::write(place.path("data/countersign.toml"), config).unwrap();
    place
}

/// A server, and the address of its gateway.
fn serve(place: &Place) -> (Server, String) {
    let mut server = place.serve(&[]);
    let said = server.wait_for("gateway");
    let line = said
        .lines()
        .find(|line| line.starts_with("gateway"))
        .unwrap();
    let address = line.split("http://").nth(1).unwrap().to_owned();
    (server, address)
}

/// The three headers of a client with a token.
fn member(place: &Place, server: &Server) -> String {
    let more = [
        "--service",
        "CloudManagerSDK",
        "--save",
        "c.json",
        "--issuer",
        &server.origin,
    ];
    let created = place.create("oauth-server-to-server", &more);
    assert_eq!(created.exit, 0, "{}", created.stderr);
    let file = std::fs::read_to_string(place.path("c.json")).unwrap();
    let saved: serde_json::Value = serde_json::from_str(&file).unwrap();
    let token = run(
        &mut countersign(&["token", "--file", &place.text("c.json")]),
        "",
    );
    assert_eq!(token.exit, 0, "{}", token.stderr);
    format!(
        "Authorization: Bearer {}\r\nx-api-key: {}\r\nx-gw-ims-org-id: {}\r\n",
        token.stdout.trim(),
        saved["client_id"].as_str().unwrap(),
        saved["org_id"].as_str().unwrap(),
    )
}

fn get(address: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
