//! Lists in pages, by key: the next page starts behind the last row of the one before.

/// Which part of a list.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Page {
    /// Key of the last row of the page before; `None` for the first page.
    pub after: Option<String>,
    /// Most rows; at most [`Page::MAX`] are given.
    pub limit: u32,
}

impl Page {
    /// Most rows of one page.
    pub const MAX: u32 = 500;

    /// The first page, as long as it may be.
    #[must_use]
    pub const fn first() -> Self {
        Self {
            after: None,
            limit: Self::MAX,
        }
    }

    /// The key to start behind; every key is greater than the empty text.
    pub(crate) fn start(&self) -> &str {
        self.after.as_deref().unwrap_or_default()
    }

    pub(crate) fn size(&self) -> i64 {
        i64::from(self.limit.min(Self::MAX))
    }
}
