//! Lists as comma-separated values: the members of the first thing are the columns.

use std::fmt;

use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::kit::csv;
use crate::kit::problem::Problem;

const NEXT: HeaderName = HeaderName::from_static("next-cursor");

/// A page of a list as a table.
pub(super) fn answer<V: Serialize>(items: &[V], next_cursor: Option<&str>) -> Response {
    let Ok(text) = text(items) else {
        return Problem::INTERNAL.into_response();
    };
    let kind = "text/csv; charset=utf-8; header=present";
    let mut response = ([(CONTENT_TYPE, kind)], text).into_response();
    if let Some(next) = next_cursor.and_then(|next| HeaderValue::from_str(next).ok()) {
        response.headers_mut().insert(NEXT, next);
    }
    response
}

fn text<V: Serialize>(items: &[V]) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for item in items {
        let members: Members = serde_json::from_str(&serde_json::to_string(item)?)?;
        if text.is_empty() {
            text += &csv::line(members.0.iter().map(|(name, _)| name));
        }
        text += &csv::line(members.0.iter().map(|(_, value)| cell(value)));
    }
    Ok(text)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The members of an object in the order in which they were written.
struct Members(Vec<(String, Value)>);

impl<'d> Deserialize<'d> for Members {
    fn deserialize<D: Deserializer<'d>>(from: D) -> Result<Self, D::Error> {
        struct Ordered;

        impl<'d> Visitor<'d> for Ordered {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'d>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Ordered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_the_order_of_the_members() {
        #[derive(Serialize)]
        struct Thing {
            name: &'static str,
            at: Option<&'static str>,
            list: Vec<u8>,
            on: bool,
        }
        let things = [("=1+1", None), ("b", Some("now"))].map(|(name, at)| Thing {
            name,
            at,
            list: vec![1, 2],
            on: true,
        });
        assert_eq!(
            text(&things).expect("a table"),
            "\"name\",\"at\",\"list\",\"on\"\r\n\"'=1+1\",\"\",\"[1,2]\",\"true\"\r\n\"b\",\"now\",\"[1,2]\",\"true\"\r\n"
        );
    }
}
