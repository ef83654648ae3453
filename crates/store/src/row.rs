//! Reading columns. Whatever cannot be read is corruption, and says in which row.

use std::str::FromStr;

use countersign_model::State;
use countersign_wire::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, Decode, Row as _, Type};

use crate::error::Error;

/// A row of a table; in a join, the part of it whose columns begin with a prefix.
pub(crate) struct Row<'a> {
    row: &'a AnyRow,
    table: &'static str,
    prefix: &'static str,
}

impl<'a> Row<'a> {
    pub(crate) fn new(row: &'a AnyRow, table: &'static str) -> Self {
        Self {
            row,
            table,
            prefix: "",
        }
    }

    /// The part of a joined row that comes from another table.
    pub(crate) fn part(&self, table: &'static str, prefix: &'static str) -> Self {
        Self {
            row: self.row,
            table,
            prefix,
        }
    }

    pub(crate) fn text(&self, column: &str) -> Result<String, Error> {
        self.value(column)
    }

    pub(crate) fn maybe_text(&self, column: &str) -> Result<Option<String>, Error> {
        self.value(column)
    }

    pub(crate) fn number(&self, column: &str) -> Result<i64, Error> {
        self.value(column)
    }

    pub(crate) fn maybe_number(&self, column: &str) -> Result<Option<i64>, Error> {
        self.value(column)
    }

    pub(crate) fn count(&self, column: &str) -> Result<u64, Error> {
        u64::try_from(self.number(column)?).map_err(|_| self.corrupt(column))
    }

    pub(crate) fn at(&self, column: &str) -> Result<Timestamp, Error> {
        self.number(column).map(Timestamp::from_millis)
    }

    pub(crate) fn maybe_at(&self, column: &str) -> Result<Option<Timestamp>, Error> {
        let millis: Option<i64> = self.value(column)?;
        Ok(millis.map(Timestamp::from_millis))
    }

    /// A column with a form of its own, as all identifiers have.
    pub(crate) fn parsed<T: FromStr>(&self, column: &str) -> Result<T, Error> {
        self.text(column)?.parse().map_err(|_| self.corrupt(column))
    }

    pub(crate) fn maybe_parsed<T: FromStr>(&self, column: &str) -> Result<Option<T>, Error> {
        self.maybe_text(column)?
            .map(|text| text.parse().map_err(|_| self.corrupt(column)))
            .transpose()
    }

    /// A column that holds one of a few words.
    pub(crate) fn word<T>(
        &self,
        column: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Error> {
        parse(&self.text(column)?).ok_or_else(|| self.corrupt(column))
    }

    /// `disabled_at`, present or not.
    pub(crate) fn state(&self) -> Result<State, Error> {
        let disabled = self.maybe_at("disabled_at")?;
        Ok(disabled.map_or(State::Enabled, |at| State::Disabled { at }))
    }

    pub(crate) fn corrupt(&self, column: &str) -> Error {
        let id = self.row.try_get::<String, _>(0);
        Error::Corrupt {
            table: self.table,
            id: id.unwrap_or_else(|_| "?".to_owned()),
            column: column.to_owned(),
        }
    }

    fn value<T: Decode<'a, Any> + Type<Any>>(&self, column: &str) -> Result<T, Error> {
        let read = if self.prefix.is_empty() {
            self.row.try_get(column)
        } else {
            self.row
                .try_get(format!("{}{column}", self.prefix).as_str())
        };
        read.map_err(|_| self.corrupt(column))
    }
}

/// What `disabled_at` holds for a state.
pub(crate) fn disabled_at(state: State) -> Option<i64> {
    match state {
        State::Enabled => None,
        State::Disabled { at } => Some(at.as_millis()),
    }
}

/// What an optional time is stored as.
pub(crate) fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millis)
}

/// A count as it is stored; what does not fit is as much as does.
pub(crate) fn stored_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Text from outside as it can be stored: PostgreSQL has no U+0000 in TEXT.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
