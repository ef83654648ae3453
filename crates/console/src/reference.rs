//! The management API, readable by people: made of the description that programs read.

use std::sync::LazyLock;

use askama::Template;
use axum::response::Response;
use serde_json::Value;

use crate::error::PageError;
use crate::page::{self, Page};
use crate::session::Visitor;

#[derive(Template)]
#[template(path = "reference.html")]
struct ReferencePage {
    page: Page,
    reference: &'static Reference,
}

/// The whole of it.
struct Reference {
    about: Prose,
    groups: Vec<Group>,
    shapes: Vec<Shape>,
}

/// Calls that belong together.
struct Group {
    name: String,
    calls: Vec<Call>,
}

struct Call {
    id: String,
    summary: Prose,
    method: String,
    path: String,
    parameters: Vec<Member>,
    body: Option<Kind>,
    answers: Vec<(String, Option<Kind>)>,
}

/// What a body or an answer looks like.
struct Shape {
    name: String,
    about: Prose,
    members: Vec<Member>,
}

/// A member of a shape, or a parameter of a call.
struct Member {
    name: String,
    kind: Kind,
    is_needed: bool,
    about: Prose,
}

/// A text of the description, with what stands between back-ticks there as pieces of their own.
type Prose = Vec<Piece>;

struct Piece {
    text: String,
    is_code: bool,
}

/// What can stand somewhere: a word, and the shape that it names, if it does.
struct Kind {
    text: String,
    shape: Option<String>,
}

/// `GET /console/api`: for everybody, as the description is.
pub(crate) async fn show(visitor: Option<Visitor>) -> Result<Response, PageError> {
    let title = "Management API";
    page::render(&ReferencePage {
        page: match &visitor {
            Some(visitor) => Page::of_visitor(visitor, title),
            None => Page::bare(title),
        },
        reference: &REFERENCE,
    })
}

static REFERENCE: LazyLock<Reference> = LazyLock::new(|| {
    let document = serde_json::to_value(countersign_server::api::openapi());
    Reference::of(&document.unwrap_or_default())
});

impl Reference {
    fn of(document: &Value) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for (path, operations) in members(&document["paths"]) {
            for (method, operation) in members(operations) {
                let tag = text(&operation["tags"][0]);
                let call = Call::of(path, method, operation);
                match groups.iter_mut().find(|group| group.name == tag) {
                    Some(group) => group.calls.push(call),
                    None => groups.push(Group {
                        name: tag,
                        calls: vec![call],
                    }),
                }
            }
        }
        let shapes = members(&document["components"]["schemas"]);
        Self {
            about: prose(&document["info"]["description"]),
            groups,
            shapes: shapes.map(|(name, shape)| Shape::of(name, shape)).collect(),
        }
    }
}

impl Call {
    fn of(path: &str, method: &str, operation: &Value) -> Self {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        let answers = members(&operation["responses"]).map(|(status, answer)| {
            let (_, content) = members(&answer["content"]).next().unzip();
            let kind = content.map(|content| Kind::of(&content["schema"]));
            (status.clone(), kind)
        });
        Self {
            id: text(&operation["operationId"]),
            summary: prose(&operation["summary"]),
            method: method.to_uppercase(),
            path: path.to_owned(),
            parameters: parameters.map(Member::of_parameter).collect(),
            body: (!body.is_null()).then(|| Kind::of(body)),
            answers: answers.collect(),
        }
    }
}

impl Shape {
    fn of(name: &str, shape: &Value) -> Self {
        let parts = shape["allOf"].as_array();
        let parts = parts.map_or(std::slice::from_ref(shape), Vec::as_slice);
        let members = parts.iter().flat_map(|part| {
            let needed = part["required"].as_array().map_or(&[][..], Vec::as_slice);
            let included = part["$ref"].as_str().map(|_| Member {
                name: "all members of".to_owned(),
                kind: Kind::of(part),
                is_needed: true,
                about: Prose::new(),
            });
            let own = self::members(&part["properties"]).map(|(name, member)| Member {
                name: name.clone(),
                kind: Kind::of(member),
                is_needed: needed.iter().any(|one| one == name),
                about: prose(&member["description"]),
            });
            included.into_iter().chain(own)
        });
        Self {
            name: name.to_owned(),
            about: prose(&shape["description"]),
            members: members.collect(),
        }
    }
}

impl Member {
    fn of_parameter(parameter: &Value) -> Self {
        Self {
            name: text(&parameter["name"]),
            kind: Kind::of(&parameter["schema"]),
            is_needed: parameter["required"] == true,
            about: prose(&parameter["description"]),
        }
    }
}

impl Kind {
    fn of(schema: &Value) -> Self {
        if let Some(name) = schema["$ref"]
            .as_str()
            .and_then(|path| path.rsplit('/').next())
        {
            return Self {
                text: name.to_owned(),
                shape: Some(name.to_owned()),
            };
        }
        let alternatives = schema["oneOf"].as_array().into_iter().flatten();
        let mut alternatives = alternatives.filter(|one| one["type"] != "null");
        if let Some(only) = alternatives.next() {
            return Self::of(only).or_null();
        }
        match &schema["type"] {
            Value::String(kind) if kind == "array" => Self::of(&schema["items"]).listed(),
            Value::Array(kinds) if kinds.iter().any(|kind| kind == "array") => {
                Self::of(&schema["items"]).listed().or_null()
            }
            Value::Array(kinds) => {
                let mut kinds = kinds.iter().filter_map(Value::as_str);
                let kind = kinds.find(|kind| *kind != "null").unwrap_or("anything");
                Self::word(kind).or_null()
            }
            kind => Self::word(kind.as_str().unwrap_or("anything")),
        }
    }

    fn word(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            shape: None,
        }
    }

    fn listed(self) -> Self {
        Self {
            text: format!("list of {}", self.text),
            ..self
        }
    }

    fn or_null(self) -> Self {
        Self {
            text: format!("{} or null", self.text),
            ..self
        }
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn prose(value: &Value) -> Prose {
    let pieces = value.as_str().unwrap_or_default().split('`').enumerate();
    let pieces = pieces.map(|(place, text)| Piece {
        text: text.to_owned(),
        is_code: place % 2 == 1,
    });
    pieces.filter(|piece| !piece.text.is_empty()).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is described is shown, and every link on the page leads to something on it.
    #[test]
    fn nothing_of_the_description_is_left_out() {
        let reference = &*REFERENCE;
        let calls: Vec<_> = reference
            .groups
            .iter()
            .flat_map(|group| &group.calls)
            .collect();
        let document = serde_json::to_value(countersign_server::api::openapi()).expect("JSON");
        let described = members(&document["paths"])
            .flat_map(|(_, one)| members(one))
            .count();
        assert_eq!(calls.len(), described);
        assert!(
            calls
                .iter()
                .all(|call| !call.summary.is_empty() && !call.id.is_empty())
        );
        let page = ReferencePage {
            page: Page::bare("Management API"),
            reference,
        };
        let shown = page.render().expect("a page");
        for link in shown.split("href=\"#").skip(1) {
            let target = link.split('"').next().expect("an end");
            assert!(shown.contains(&format!("id=\"{target}\"")), "{target}");
        }
        assert!(shown.contains("/api/v1/published-services/{name}"));
        assert!(!shown.contains("<script>") && !shown.contains('`'));
        assert!(shown.contains("pass <code>next_cursor</code> as <code>cursor</code>"));
    }
}
