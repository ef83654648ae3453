//! HAL: links, embedded lists and pages. Source: spec/aem-integrations.md 8.3.

use std::fmt;

use countersign_wire::Timestamp;
use serde_json::{Map, Value, json};

/// Links of one resource.
#[derive(Debug)]
pub struct Links(Map<String, Value>);

impl Links {
    /// Links that begin with the resource's own address.
    pub fn of(href: impl fmt::Display) -> Self {
        Self(Map::new()).plain("self", href)
    }

    /// A link of a relation of Cloud Manager's own.
    #[must_use]
    pub fn to(self, relation: &str, href: impl fmt::Display) -> Self {
        self.plain(&format!("{RELATIONS}{relation}"), href)
    }

    /// The same with blanks that the caller fills in (RFC 6570).
    #[must_use]
    pub fn template(mut self, relation: &str, href: impl fmt::Display) -> Self {
        self.put(&format!("{RELATIONS}{relation}"), href, true);
        self
    }

    fn plain(mut self, relation: &str, href: impl fmt::Display) -> Self {
        self.put(relation, href, false);
        self
    }

    fn put(&mut self, relation: &str, href: impl fmt::Display, templated: bool) {
        let link = json!({ "href": href.to_string(), "templated": templated });
        self.0.insert(relation.to_owned(), link);
    }
}

/// A resource: its own members, then its links.
#[must_use]
pub fn resource(mut members: Value, links: Links) -> Value {
    members["_links"] = Value::Object(links.0);
    members
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Page {
    /// Position of the first item.
    pub start: usize,
    /// How many items at most; never 0.
    pub limit: usize,
}

/// A list before it is cut into pages.
#[derive(Debug)]
pub struct List<'a> {
    /// Its address without a query.
    pub path: &'a str,
    /// Name of the embedded member.
    pub name: &'static str,
    /// By what it is ordered.
    pub order: &'static str,
    /// The `type` that it is narrowed to; empty is all.
    pub kind: &'a str,
}

impl List<'_> {
    /// The page of `items` that was asked for. A page beyond the end is empty.
    #[must_use]
    pub fn page(&self, page: Page, items: Vec<Value>) -> Value {
        let total = items.len();
        let embedded: Vec<Value> = items
            .into_iter()
            .skip(page.start)
            .take(page.limit)
            .collect();
        let next = page
            .start
            .checked_add(page.limit)
            .filter(|next| *next < total);
        let prev = (page.start > 0).then(|| page.start.saturating_sub(page.limit));

        let mut details = json!({
            "start": page.start,
            "limit": page.limit,
            "orderBy": self.order,
            "property": [],
            "type": self.kind,
        });
        let mut links = Links::of(self.href(page.start, page.limit));
        for (name, start) in [("next", next), ("prev", prev)] {
            if let Some(start) = start {
                details[name] = start.into();
                links = links.plain(name, self.href(start, page.limit));
            }
        }
        links.put("page", self.href("{start}", "{limit}"), true);
        let members = json!({
            "_totalNumberOfItems": total,
            "_page": details,
            "_embedded": { self.name: embedded },
        });
        resource(members, links)
    }

    fn href(&self, start: impl fmt::Display, limit: impl fmt::Display) -> String {
        let narrowed = match self.kind {
            "" => String::new(),
            kind => format!("type={kind}&"),
        };
        format!("{}?{narrowed}start={start}&limit={limit}", self.path)
    }
}

/// A list that is never cut.
#[must_use]
pub fn whole_list(name: &str, items: &[Value], links: Links) -> Value {
    let members = json!({ "_totalNumberOfItems": items.len(), "_embedded": { name: items } });
    resource(members, links)
}

/// `2019-07-09T13:10:56.125+0000`: the offset has no colon.
#[must_use]
pub fn date(at: Timestamp) -> String {
    let shown = at.to_string();
    let seconds = shown.get(..19).unwrap_or(&shown);
    format!("{seconds}.{:03}+0000", at.as_millis().rem_euclid(1000))
}

/// What all relations of Cloud Manager begin with.
pub const RELATIONS: &str = "http://ns.adobe.com/adobecloud/rel/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_milliseconds_and_a_numeric_offset() {
        assert_eq!(
            date(Timestamp::from_millis(1_562_677_856_125)),
            "2019-07-09T13:10:56.125+0000"
        );
        assert_eq!(
            date(Timestamp::from_millis(1_562_677_856_000)),
            "2019-07-09T13:10:56.000+0000"
        );
    }

    #[test]
    fn pages_lead_through_the_whole_list_and_back() {
        let list = List {
            path: "/l",
            name: "n",
            order: "name",
            kind: "",
        };
        let items: Vec<Value> = (0..5).map(Value::from).collect();
        let page = |start, limit| list.page(Page { start, limit }, items.clone());
        let middle = page(2, 2);
        assert_eq!(middle["_embedded"]["n"], json!([2, 3]));
        assert_eq!(middle["_page"]["next"], 4);
        assert_eq!(middle["_links"]["next"]["href"], "/l?start=4&limit=2");
        assert_eq!(middle["_links"]["prev"]["href"], "/l?start=0&limit=2");
        assert!(page(4, 2)["_links"].get("next").is_none());
        assert_eq!(page(1, 2)["_page"]["prev"], 0);
        assert_eq!(page(usize::MAX, usize::MAX)["_embedded"]["n"], json!([]));
    }
}
