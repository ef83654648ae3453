//! The query of a page: what is looked for, sorted by, and where a list goes on.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::extract::FromRequestParts;
use countersign_authority::Page as Rows;
use http::request::Parts;
use url::form_urlencoded::{self, Serializer};

/// The parameters of a query. Of one that comes twice the first counts; unknown ones are left
/// alone: people edit addresses, and old links have more in them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(BTreeMap<String, String>);

/// Rows of one page of a list.
const ROWS: u32 = 50;
const LONGEST: usize = 500;

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::read(parts.uri.query().unwrap_or_default()))
    }
}

impl Query {
    /// Reads a query as an address has it, without the question mark.
    pub(crate) fn read(text: &str) -> Self {
        let mut all = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let value = value.chars().filter(|c| !c.is_control()).take(LONGEST);
            all.entry(name.into_owned())
                .or_insert_with(|| value.collect());
        }
        Self(all)
    }

    /// A parameter; empty if it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Which rows are asked for, one more than are shown: it tells whether there are more.
    pub(crate) fn rows(&self) -> Rows {
        let after = self.get("after");
        Rows {
            after: (!after.is_empty()).then(|| after.to_owned()),
            limit: ROWS + 1,
        }
    }

    /// Cuts a list that was read by [`rows`](Self::rows) to what is shown, and gives the address of
    /// the next page, if there is one: the same query, from the last row's key on.
    pub(crate) fn cut<T>(
        &self,
        path: &str,
        list: &mut Vec<T>,
        key: impl Fn(&T) -> &str,
    ) -> Option<String> {
        if list.len() <= ROWS as usize {
            return None;
        }
        list.truncate(ROWS as usize);
        list.last().map(|last| self.with(path, "after", key(last)))
    }

    /// The same query without one parameter.
    pub(crate) fn without(&self, path: &str, name: &str) -> String {
        let kept = self
            .0
            .iter()
            .filter(|(other, value)| *other != name && !value.is_empty());
        let text = Serializer::new(String::new()).extend_pairs(kept).finish();
        match text.is_empty() {
            true => path.to_owned(),
            false => format!("{path}?{text}"),
        }
    }

    /// The same query with another value of one parameter.
    pub(crate) fn with(&self, path: &str, name: &str, value: &str) -> String {
        let kept = self.0.iter().filter(|(other, _)| *other != name);
        let text = Serializer::new(String::new())
            .extend_pairs(kept.filter(|(_, value)| !value.is_empty()))
            .append_pair(name, value)
            .finish();
        format!("{path}?{text}")
    }
}
