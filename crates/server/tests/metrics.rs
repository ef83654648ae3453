//! Metrics, in a process of their own because there is one recorder per process.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use countersign_server::kit::stack;
use countersign_server::kit::stack::Surroundings;
use countersign_server::metrics::Metrics;
use http::Request;
use tower::ServiceExt as _;

#[tokio::test]
async fn random_paths_and_methods_make_no_new_series() {
    let metrics = Metrics::install().unwrap();
    let routes = Router::new()
        .route("/items/{id}", get(async || "item"))
        .merge(metrics.clone().routes());
    let router = stack::surround(routes, Surroundings::default());
    let ask = async |method: &str, path: String| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "a");
        router
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    };
    ask("GET", "/items/1".to_owned()).await;
    ask("GET", "/unknown".to_owned()).await;
    ask("BREW", "/items/1".to_owned()).await;
    let before = metrics.render().lines().count();

    for number in 0..200 {
        ask("GET", format!("/items/{number}")).await;
        ask("GET", format!("/{number}")).await;
        ask(&format!("BREW{number}"), "/items/1".to_owned()).await;
    }

    let text = metrics.render();
    assert_eq!(text.lines().count(), before, "{text}");
    let items = r#"http_requests_total{route="/items/{id}",method="GET",status="200"} 201"#;
    assert!(text.contains(items), "{text}");
    assert!(text.contains(r#"route="none",method="GET",status="404""#));
    assert!(text.contains("http_requests_in_flight 0"));
    assert_eq!(ask("GET", "/metrics".to_owned()).await.status(), 200);
}
