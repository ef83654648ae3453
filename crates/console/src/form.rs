//! Forms: read once, from pages of the same session only; shown again with what was typed.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use countersign_authority::ManageError;
use countersign_wire::Opaque;
use futures_util::stream::once;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use zeroize::Zeroizing;

use crate::Console;
use crate::error::{Kind, PageError};
use crate::page::Link;
use crate::session::{self, Visitor};

/// Name of the field that carries the session's token.
const TOKEN: &str = "form_token";
/// Longest body that is read; the limits of the server hold before.
const MOST: usize = 1 << 20;
const MOST_FIELDS: usize = 200;
/// Longest text that is shown again in a form.
const SHOWN: usize = 12_000;

/// What a form of this session's own pages was filled with. Everything else is refused before a
/// handler sees it (CON-06).
pub(crate) struct Form(Fields);

/// What a form was filled with by somebody who need not be signed in. That it comes from our own
/// pages is seen to by the browser's `Sec-Fetch-Site` and `Origin`, for every POST.
pub(crate) struct GuestForm(Fields);

/// Fields in their order; a name may come more than once.
#[derive(Default)]
pub(crate) struct Fields(Vec<(String, Zeroizing<Vec<u8>>)>);

impl std::ops::Deref for Form {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.0
    }
}

impl std::ops::Deref for GuestForm {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.0
    }
}

impl FromRequest<Console> for Form {
    type Rejection = PageError;

    async fn from_request(request: Request, console: &Console) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let session = session::session_of(&mut parts, console).await?;
        let session = session.ok_or_else(|| PageError::sign_in("/console"))?;
        let fields = Fields::read(&parts.headers, body).await?;
        match session.accepts_form(fields.text(TOKEN)) {
            true => Ok(Self(fields)),
            false => Err(PageError::foreign_form()),
        }
    }
}

impl FromRequest<Console> for GuestForm {
    type Rejection = PageError;

    async fn from_request(request: Request, _: &Console) -> Result<Self, PageError> {
        let (parts, body) = request.into_parts();
        Fields::read(&parts.headers, body).await.map(Self)
    }
}

impl Fields {
    /// The text of a field as it was typed; empty if there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        str::from_utf8(self.bytes(name)).unwrap_or_default()
    }

    /// The text of a field without blanks around it.
    pub(crate) fn trimmed(&self, name: &str) -> &str {
        self.text(name).trim()
    }

    /// The text of a field that must not be seen; `None` if it is empty.
    pub(crate) fn secret(&self, name: &str) -> Option<Opaque> {
        let text = self.text(name);
        (!text.is_empty()).then(|| Opaque::new(text.to_owned()))
    }

    /// The content of a field: of a file, where one was chosen.
    pub(crate) fn bytes(&self, name: &str) -> &[u8] {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_slice())
            .unwrap_or_default()
    }

    /// The values of a field that may come more than once.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(found, _)| found == name)
            .filter_map(|(_, value)| str::from_utf8(value).ok())
    }

    /// Whether a box was ticked.
    pub(crate) fn is_ticked(&self, name: &str) -> bool {
        !self.bytes(name).is_empty()
    }

    /// The revision that the page was made from, for a change that must not overwrite another one.
    /// A field that is missing or no number was never the stored one.
    pub(crate) fn revision(&self) -> Option<i64> {
        Some(self.text("revision").parse().unwrap_or(-1))
    }

    async fn read(headers: &HeaderMap, body: Body) -> Result<Self, PageError> {
        let content_type = headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default();
        let body = to_bytes(body, MOST).await;
        let body = body.map_err(|_| PageError::request("The form cannot be read to its end."))?;
        match multer::parse_boundary(content_type) {
            Ok(boundary) => Self::read_parts(body, boundary).await,
            Err(_) => Self::read_pairs(&body),
        }
    }

    fn read_pairs(body: &[u8]) -> Result<Self, PageError> {
        let mut fields = Self::default();
        for (name, value) in url::form_urlencoded::parse(body) {
            let value = Zeroizing::new(value.into_owned().into_bytes());
            fields.push(name.into_owned(), value)?;
        }
        Ok(fields)
    }

    async fn read_parts(body: Bytes, boundary: String) -> Result<Self, PageError> {
        let broken = |_| PageError::request("The form cannot be read: its parts are broken.");
        let body = once(async { Ok::<_, Infallible>(body) });
        let mut parts = multer::Multipart::new(body, boundary);
        let mut fields = Self::default();
        while let Some(part) = parts.next_field().await.map_err(broken)? {
            let name = part.name().unwrap_or_default().to_owned();
            let value = Zeroizing::new(part.bytes().await.map_err(broken)?.to_vec());
            fields.push(name, value)?;
        }
        Ok(fields)
    }

    fn push(&mut self, name: String, value: Zeroizing<Vec<u8>>) -> Result<(), PageError> {
        if self.0.len() >= MOST_FIELDS {
            return Err(PageError::request("The form has too many fields."));
        }
        self.0.push((name, value));
        Ok(())
    }
}

/// A form as a page shows it: the token, what stands in the fields, what is wrong.
///
/// Template: `ui::begin(form)` first inside `<form>`, `ui::text(form, "name", "Label", "help")` and
/// its kin for fields, `ui::confirm(form)` before the button of what deserves it. Secrets are never
/// put in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filled {
    token: String,
    username: String,
    values: BTreeMap<&'static str, Vec<String>>,
    faults: Vec<(&'static str, String)>,
    asks_for_password: bool,
    confirm_with: Vec<Link>,
}

impl Filled {
    /// An empty form for somebody who is signed in.
    pub(crate) fn new(visitor: &Visitor) -> Self {
        Self {
            token: visitor.session.form_token().to_owned(),
            username: visitor.session.person().sign_in_name.to_string(),
            ..Self::default()
        }
    }

    /// An empty form of what asks for the password again, where that is needed.
    pub(crate) fn confirmed(visitor: &Visitor) -> Self {
        Self {
            asks_for_password: !visitor.is_confirmed,
            confirm_with: visitor.confirm_with.clone(),
            ..Self::new(visitor)
        }
    }

    /// An empty form for somebody who is not signed in.
    pub(crate) fn for_guest() -> Self {
        Self::default()
    }

    /// Puts a value into a field.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.values.insert(name, vec![value.into()]);
        self
    }

    /// Puts the choices that are taken into a field.
    #[must_use]
    pub(crate) fn with_all(
        mut self,
        name: &'static str,
        values: impl IntoIterator<Item = String>,
    ) -> Self {
        self.values.insert(name, values.into_iter().collect());
        self
    }

    /// Puts what was typed into these fields. Never name a field with a secret.
    #[must_use]
    pub(crate) fn typed(mut self, names: &[&'static str], fields: &Fields) -> Self {
        for name in names {
            let values = fields.all(name).map(|value| value.chars().take(SHOWN));
            self.values
                .insert(name, values.map(String::from_iter).collect());
        }
        self
    }

    /// Says what is wrong with a field; with `""`, with the whole.
    pub(crate) fn fault(&mut self, name: &'static str, sentence: impl Into<String>) {
        self.faults.push((name, sentence.into()));
    }

    /// Says why a use case refused, at a field; what the person cannot mend in the form is an error
    /// of its own.
    ///
    /// # Errors
    /// [`PageError`].
    pub(crate) fn refused(
        &mut self,
        error: impl Into<PageError>,
        name: &'static str,
    ) -> Result<(), PageError> {
        let error = error.into();
        match error.kind() {
            Kind::Conflict | Kind::Invalid | Kind::Refused | Kind::TooMany => {
                self.fault(name, error.sentence());
                Ok(())
            }
            Kind::SignIn(_) | Kind::Request | Kind::Nothing | Kind::Unavailable | Kind::Broken => {
                Err(error)
            }
        }
    }

    /// As [`refused`](Self::refused), where the field follows from the reason.
    ///
    /// # Errors
    /// [`PageError`].
    pub(crate) fn refused_at(
        &mut self,
        error: ManageError,
        field: impl Fn(&ManageError) -> &'static str,
    ) -> Result<(), PageError> {
        let name = field(&error);
        self.refused(error, name)
    }

    /// Has the form ask for the password, or for a proof by one of these providers.
    pub(crate) fn ask_for_password(&mut self, confirm_with: &[Link]) {
        self.asks_for_password = true;
        self.confirm_with = confirm_with.to_vec();
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_fine(&self) -> bool {
        self.faults.is_empty()
    }

    /// For templates: the token of the session; empty for guests.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// For templates: whose password a form asks for; empty for guests.
    pub(crate) fn username(&self) -> &str {
        &self.username
    }

    /// For templates: what stands in a field.
    pub(crate) fn value(&self, name: &str) -> &str {
        let values = self.values.get(name).and_then(|values| values.first());
        values.map(String::as_str).unwrap_or_default()
    }

    /// For templates: whether a choice of a field is taken.
    pub(crate) fn has(&self, name: &str, choice: &str) -> bool {
        let values = self.values.get(name);
        values.is_some_and(|values| values.iter().any(|value| value == choice))
    }

    /// For templates: what is wrong with a field.
    pub(crate) fn fault_of(&self, name: &str) -> Option<&str> {
        let fault = self.faults.iter().find(|(field, _)| *field == name);
        fault.map(|(_, sentence)| sentence.as_str())
    }

    /// For templates: all that is wrong, with the fields.
    pub(crate) fn faults(&self) -> &[(&'static str, String)] {
        &self.faults
    }

    /// For templates: providers that the person proves herself at, for who has no password.
    pub(crate) fn confirm_with(&self) -> &[Link] {
        &self.confirm_with
    }

    /// For templates: whether the field for the password is there.
    pub(crate) fn asks_for_password(&self) -> bool {
        self.asks_for_password
    }
}
