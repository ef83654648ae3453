//! What is advertised is served.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::Value;

use crate::place::{Caller, ORG, Place};

const RELATIONS: &str = "http://ns.adobe.com/adobecloud/rel/";

/// Relations that the official clients follow or read. Source: spec/aem-integrations.md 8.3.
const EXPECTED: [&str; 18] = [
    "pipelines",
    "environments",
    "repositories",
    "regions",
    "tenant",
    "programs",
    "program",
    "execution",
    "executions",
    "execution/id",
    "variables",
    "pipeline",
    "author",
    "publish",
    "developerConsole",
    "logs",
    "pipeline/metrics",
    "branches",
];

#[tokio::test]
async fn every_link_leads_to_a_document_also_while_a_pipeline_runs() {
    let place = Place::new();
    let member = place.member(ORG);
    let idle = crawl(&member).await;
    let pipeline = member.pipeline("Harbour Coffee", "Production").await;
    let started = member
        .send(Method::PUT, &format!("{pipeline}/execution"), "")
        .await;
    assert_eq!(started.status, 201);
    let busy = crawl(&member).await;

    assert!(idle.pages > 300, "{} documents", idle.pages);
    assert!(busy.pages > idle.pages);
    let (expected, seen): (BTreeSet<_>, BTreeSet<_>) = (
        EXPECTED.into(),
        idle.relations.iter().map(String::as_str).collect(),
    );
    assert!(
        seen.is_superset(&expected),
        "{:?}",
        expected.difference(&seen)
    );
}

struct Crawled {
    pages: usize,
    relations: BTreeSet<String>,
}

/// Follows every link that is no template and stays on this API.
async fn crawl(member: &Caller) -> Crawled {
    let mut waiting: Vec<String> = vec!["/api/programs".to_owned(), "/api/tenants".to_owned()];
    let mut known: BTreeSet<String> = waiting.iter().cloned().collect();
    let mut relations = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        let document = member.json(&path).await;
        let mut found = BTreeMap::new();
        collect(&document, &mut found);
        for ((relation, href), holder) in found {
            relations.extend(relation.strip_prefix(RELATIONS).map(str::to_owned));
            let is_idle = relation.ends_with("rel/execution") && holder["status"] == "IDLE";
            if is_idle {
                // The link is how a pipeline is started; there is nothing to read before.
                assert_eq!(member.get(&href).await.status, 404, "{href}");
            } else if href.starts_with('/') && known.insert(href.clone()) {
                waiting.push(href);
            }
        }
    }
    Crawled {
        pages: known.len(),
        relations,
    }
}

/// All links in a document that are no templates, with the object that has them; templates only
/// by the name of their relation.
fn collect(value: &Value, found: &mut BTreeMap<(String, String), Value>) {
    if let Some(links) = value["_links"].as_object() {
        for (relation, link) in links {
            let templated = link["templated"].as_bool().unwrap();
            let href = if templated {
                "(template)"
            } else {
                link["href"].as_str().unwrap()
            };
            found.insert((relation.clone(), href.to_owned()), value.clone());
        }
    }
    match value {
        Value::Object(members) => members.values().for_each(|member| collect(member, found)),
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}
