//! Every field of every form, with what nobody should type: shown as text, refused with a
//! sentence, or escaped (`spec/security.md` CON-09, ANS-04).

use std::collections::HashSet;

use countersign_testkit::person::PASSWORD;
use countersign_testkit::{Answer, Person, TestApp};

use crate::hostile::HOSTILE;
use crate::html::{Field, Form, forms};
use crate::place::Place;

/// Text from right to left that is not ended, and what terminals and headers would obey.
const MORE: [&str; 2] = [
    "\u{202e}\u{2066}\u{5d0}\u{5d1}<b>",
    "a\u{0}\u{1b}[31m\r\nSet-Cookie: x=y",
];

#[tokio::test]
async fn every_field_of_every_form_takes_or_refuses_what_nobody_should_type() {
    let app = TestApp::new().await;
    let ada = app.first_person("ada@example.com").await;
    let org = organization(&app).await;
    let place = Place::fill(&app, &org, "Nightly").await;
    let mut seen = HashSet::new();
    let mut tried = 0;
    for page in place.pages() {
        for form in forms(&ada.get(&page).await.body) {
            let mut is_new =
                |field: &&Field| seen.insert((form.action.clone(), field.name.clone()));
            let fields = form
                .fields
                .iter()
                .filter(|field| may_be_tried(&form, field));
            let mut fields: Vec<_> = fields.filter(&mut is_new).collect();
            fields.sort_by_key(|field| !field.is_typed());
            try_out(&ada, &form, &fields).await;
            tried += fields.len();
        }
    }
    assert!(tried > 40, "{tried} fields");
    for page in place.pages() {
        let shown = ada.get(&page).await;
        must_be_text(&page, &shown);
        assert!(
            !shown.body.contains(['\u{0}', '\u{1b}']),
            "{page} keeps them"
        );
    }
    let mut rows = 0;
    for file in place.files() {
        let answer = ada.get(&file).await;
        match file.ends_with(".csv") {
            true => rows += must_be_cells(&file, &answer),
            false => drop(answer.json()),
        }
    }
    assert!(rows > 20, "{rows} rows");
}

#[tokio::test]
async fn so_do_the_forms_of_those_who_are_not_signed_in() {
    let app = TestApp::new().await;
    let nobody = app.anonymous();
    for page in ["/console/sign-in?next=/console/account", "/console/sign-in"] {
        let shown = nobody.get(page).send().await;
        for form in forms(&shown.body) {
            for field in &form.fields {
                for value in values() {
                    let fields = filled(&form, field, &value);
                    let call = nobody.post(&form.action).form(&pairs(&fields));
                    must_be_safe(&form, field, &value, &call.send().await);
                }
            }
        }
    }
}

/// Not the token, which has tests of its own; not boxes of what deletes, because any text ticks
/// them.
fn may_be_tried(form: &Form, field: &Field) -> bool {
    let deletes = ["/delete", "/remove"];
    let deletes = deletes.iter().any(|end| form.action.ends_with(end));
    field.name != "form_token" && field.kind != "file" && (!deletes || field.is_typed())
}

/// Each value in each field, those first that must be refused: what is taken may leave nothing to
/// be done by the form.
async fn try_out(by: &Person, form: &Form, fields: &[&Field]) {
    for value in values() {
        for field in fields {
            let fields = filled(form, field, &value);
            let answer = by.post(&form.action, &pairs(&fields)).await;
            must_be_safe(form, field, &value, &answer);
        }
    }
}

fn values() -> [String; 4] {
    [
        "x".repeat(10_000),
        HOSTILE.to_owned(),
        MORE[0].to_owned(),
        MORE[1].to_owned(),
    ]
}

/// What a browser would send with this value in that field.
fn filled(form: &Form, field: &Field, value: &str) -> Vec<(String, String)> {
    let others = form.fields.iter();
    let others = others.filter(|one| one.name != field.name && one.name != "form_token");
    let others = others.filter(|one| one.is_sent && one.kind != "file");
    let mut fields: Vec<_> = others
        .map(|one| (one.name.clone(), plausible(one)))
        .collect();
    fields.push((field.name.clone(), value.to_owned()));
    fields
}

fn plausible(field: &Field) -> String {
    let text = match (field.value.as_str(), field.kind.as_str()) {
        ("", "password") => PASSWORD,
        ("", "email") => "new@example.com",
        ("", "date") => "2027-01-01",
        ("", _) => "Plain",
        (value, _) => value,
    };
    text.to_owned()
}

fn pairs(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    let pairs = fields.iter().map(|(name, value)| (&**name, &**value));
    pairs.collect()
}

#[track_caller]
fn must_be_safe(form: &Form, field: &Field, value: &str, answer: &Answer) {
    let what = format!("{} {}: {:.40}", form.action, field.name, value);
    must_be_text(&what, answer);
    let is_told = answer.body.contains("role=\"alert\"") || answer.body.contains("<h1>");
    assert!(answer.status < 400 || is_told, "{what}: {answer:?}");
    if value.len() == 10_000 && field.is_typed() {
        assert!(answer.status >= 400, "{what}: {answer:?}");
    }
    if field.is_secret() {
        assert!(
            !answer.body.contains(&value[..20.min(value.len())]),
            "{what} is shown again"
        );
    }
    for value in answer.headers.values() {
        let value = String::from_utf8_lossy(value.as_bytes());
        assert!(!value.starts_with("x=y"), "{what}: {answer:?}");
    }
}

#[track_caller]
fn must_be_text(what: &str, answer: &Answer) {
    for raw in ["<script>alert", "\u{5d1}<b>", "\"><script"] {
        assert!(
            !answer.body.contains(raw),
            "{raw:?}: {what}: {}",
            answer.body
        );
    }
}

/// No cell of a table is a formula. Gives the number of its rows.
#[track_caller]
fn must_be_cells(file: &str, answer: &Answer) -> usize {
    assert_eq!(answer.status, 200, "{file}");
    let rows = answer.body.trim_end().split("\r\n");
    for cell in rows.clone().flat_map(|row| row.split("\",\"")) {
        let cell = cell.trim_start_matches('"');
        assert!(!cell.starts_with(['=', '+', '-', '@']), "{file}: {cell}");
    }
    rows.count()
}

async fn organization(app: &TestApp) -> countersign_wire::OrgId {
    let page = countersign_authority::Page::first();
    let by = countersign_testkit::app::operator();
    let all = app.authority.list_organizations(&page, &by).await;
    all.unwrap()[0].id.clone()
}
