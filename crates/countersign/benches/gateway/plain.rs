//! The least that an upstream and a proxy can be: hyper on both sides, and nothing in between.

use std::convert::Infallible;
use std::io::BufRead as _;
use std::net::SocketAddr;
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use crate::proxy::Proxy;

pub const UPSTREAM: &str = "--be-upstream";
pub const PROXY: &str = "--be-proxy";

/// What the sample API answers with, about as long.
const ANSWER: &str = r#"{"_totalNumberOfItems":1,"_embedded":{"programs":[{"id":"14","name":"We.Retail","enabled":true,"tenantId":"weretail","status":"ready","type":"aem_cloud_service"}]},"_links":{"self":{"href":"/api/programs","templated":false}}}"#;

pub fn upstream() -> anyhow::Result<Proxy> {
    started(Command::new(std::env::current_exe()?).arg(UPSTREAM))
}

pub fn proxy(upstream: SocketAddr) -> anyhow::Result<Proxy> {
    let upstream = upstream.to_string();
    started(Command::new(std::env::current_exe()?).args([PROXY, &upstream]))
}

/// It says where it listens in the first line of its output.
fn started(command: &mut Command) -> anyhow::Result<Proxy> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let address = said(&mut child)?;
    Proxy::started(child, address)
}

fn said(child: &mut Child) -> anyhow::Result<SocketAddr> {
    let output = child.stdout.take().context("a pipe")?;
    let mut line = String::new();
    std::io::BufReader::new(output).read_line(&mut line)?;
    Ok(line.trim().parse()?)
}

pub fn be_upstream() -> anyhow::Result<ExitCode> {
    serve(async |listener| {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let answer = service_fn(async |_: Request<Incoming>| {
                let mut answer = Response::new(Full::new(Bytes::from_static(ANSWER.as_bytes())));
                let json = HeaderValue::from_static("application/json");
                answer.headers_mut().insert(header::CONTENT_TYPE, json);
                Ok::<_, Infallible>(answer)
            });
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            tokio::spawn(served);
        }
    })
}

pub fn be_proxy(upstream: &str) -> anyhow::Result<ExitCode> {
    let authority: http::uri::Authority = upstream.parse()?;
    serve(async move |listener| {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client: Client<_, Incoming> = Client::builder(TokioExecutor::new()).build(connector);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let (client, authority) = (client.clone(), authority.clone());
            let forward = service_fn(move |mut request: Request<Incoming>| {
                let mut uri = std::mem::take(request.uri_mut()).into_parts();
                uri.scheme = Some(http::uri::Scheme::HTTP);
                uri.authority = Some(authority.clone());
                *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
                client.request(request)
            });
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), forward);
            tokio::spawn(served);
        }
    })
}

fn serve(
    run: impl AsyncFnOnce(TcpListener) -> anyhow::Result<Infallible>,
) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        match run(listener).await? {}
    })
}
